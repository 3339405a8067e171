"""Two at once about one case on real connections: whoever waited acts on what is there by then, and twice is once."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar
from uuid import UUID

from services.intake.handlers.pausing import Answer, Pausing, pause_cases
from services.intake.handlers.progress import project
from services.intake.handlers.submission import Desk
from services.intake.handlers.withdrawal import Withdrawal, withdraw_cases
from services.intake.repository.pauses import By
from shared.contracts.scheduling import AppointmentBooked
from shared.messaging import Transaction
from tests.intake.conftest import IntakeDatabase
from tests.intake.test_progress import appointment, match_made, opened, seen
from tests.waiting import until

R = TypeVar("R")
WAITS = """
SELECT count(*) > 0 FROM pg_stat_activity
WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0
"""


async def behind(
    store: IntakeDatabase,
    first: Callable[[Transaction], Awaitable[object]],
    second: Callable[[Transaction], Awaitable[R]],
) -> R:
    """What the second gives, which began while the first had the case, and went on when it had committed."""

    async def wait_and_do() -> R:
        async with store.intake.transaction() as tx:
            return await second(tx)

    async with store.intake.transaction() as tx:
        await first(tx)
        waiting = asyncio.create_task(wait_and_do())
        await until(lambda: store.admin.fetchval(WAITS), "somebody who waits for the case")
    return await waiting


def pausing(case_id: UUID) -> Callable[[Transaction], Awaitable[list[Answer]]]:
    return partial(pause_cases, [Pausing(case_id, 1, None, By("person"), None)])


def withdrawing(case_id: UUID) -> Callable[[Transaction], Awaitable[list[None]]]:
    return partial(withdraw_cases, [Withdrawal(case_id, "feels_better", stop_contact=False)])


async def test_what_is_read_late_does_not_undo_what_was_saved_while_it_waited(
    store: IntakeDatabase, desk: Desk
) -> None:
    case_id, code = await opened(store, desk)
    booked = appointment(AppointmentBooked, case_id, 1, 1)
    await behind(store, partial(project, [booked]), partial(project, [match_made(case_id, 1)]))
    assert (await seen(store, code)).standing.state == "booked"


async def test_whoever_asks_to_wait_while_they_are_booked_has_their_hour(
    store: IntakeDatabase, desk: Desk
) -> None:
    case_id, code = await opened(store, desk)
    booked = appointment(AppointmentBooked, case_id, 1, 1)
    assert await behind(store, partial(project, [booked]), pausing(case_id)) == ["stale"]
    assert (await seen(store, code)).standing.state == "booked"


async def test_a_case_that_is_withdrawn_twice_at_once_is_withdrawn_once(
    store: IntakeDatabase, desk: Desk
) -> None:
    case_id, code = await opened(store, desk)
    await behind(store, withdrawing(case_id), withdrawing(case_id))
    assert (await seen(store, code)).standing.state == "closed"
    said = [one.type for one in await store.said(str(case_id))]
    assert said.count("intake.case_withdrawn.v1") == 1


async def test_nothing_is_changed_in_a_case_that_was_withdrawn_meanwhile(
    store: IntakeDatabase, desk: Desk
) -> None:
    case_id, code = await opened(store, desk)
    assert await behind(store, withdrawing(case_id), pausing(case_id)) == ["closed"]
    assert (await seen(store, code)).standing.state == "closed"
    assert "intake.case_updated.v1" not in [one.type for one in await store.said(str(case_id))]
