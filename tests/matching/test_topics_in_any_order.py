"""What matching keeps of the others' topics is the same in whatever order they are heard, and when they are heard again."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.matching.handlers.alarms import AlarmBook
from services.matching.handlers.capacity import know_capacity
from services.matching.handlers.hearing import crisis_handlers, handlers
from services.matching.handlers.sites import know_sites
from shared.contracts.intake import AlarmClosed
from shared.contracts.scheduling import CapacityChanged
from tests.interleaving import interleavings
from tests.matching.conftest import Office
from tests.matching.events import (
    a_case,
    a_site,
    alarm,
    booked,
    cancelled,
    closing,
    moved,
    no_hour,
    withdrawal,
)
from tests.matching.examples import NOW, POLICY, SITES

KEPT = "SELECT state, holder, held_until, attempt FROM cases WHERE case_id = $1"
ENDS = {"withdrawn": withdrawal, "closed": closing}
OPEN_ALARMS = "SELECT count(*) FROM alarms WHERE case_id = $1 AND NOT closed"


async def stands(office: Office, case_id: UUID) -> tuple[Any, ...]:
    row = await office.database.pool.fetchrow(KEPT, case_id)
    return (*row, await office.database.pool.fetchval(OPEN_ALARMS, case_id))


async def hear(office: Office, *events: Any) -> None:
    """Each in a transaction of its own, by the handler of its group."""
    table = {**handlers(office.matchmaker), **crisis_handlers(AlarmBook(POLICY))}
    for event in events:
        await office.hear(table[type(event)], event)


def a_story(case_id: UUID, match: dict[str, Any], ending: str) -> list[list[Any]]:
    """What intake's, scheduling's and the crisis topics say of a case after it was matched, each in its own order."""
    hour, raised = booked(match), alarm(case_id)
    change = moved(hour, 1)
    closed = AlarmClosed(
        case_id=case_id,
        alarm_id=raised.alarm_id,
        staff_id="s",
        outcome="reached",
        closed_at=NOW + timedelta(hours=1),
    )
    return [
        [ENDS[ending](case_id)] if ending in ENDS else [],
        [hour, change, *([cancelled(change)] if ending == "cancelled" else [])],
        [raised, closed],
        [no_hour(match | {"attempt": 0, "match_id": UUID(int=9)})],  # of a search that is long over
    ]


@pytest.mark.parametrize("ending", ["withdrawn", "closed", "cancelled", "booked"])
async def test_a_case_stands_the_same_in_whatever_order_its_topics_are_heard(
    office: Office, ending: str
) -> None:
    await office.describe(1, weekly_limit=900)
    outcomes = set()
    orders = list(interleavings(*a_story(UUID(int=1), {**MATCH}, ending)))
    for order in range(0, len(orders), max(1, len(orders) // 25)):
        case = a_case()
        await office.hear(office.matchmaker.match_cases, case)
        match = (await office.made())[-1]
        told = list(interleavings(*a_story(case.case_id, match, ending)))[order]
        await hear(office, *told, *told[:2], told[-1])
        await office.loads()  # they are those of the holders
        outcomes.add(await stands(office, case.case_id))
    assert len(outcomes) == 1, outcomes
    (row,) = outcomes
    assert (row[0], row[-1]) == (ending, 0)


MATCH: dict[str, Any] = {
    "case_id": UUID(int=1), "match_id": UUID(int=2), "attempt": 1, "lane": "online", "modality": "video",
    "candidates": [{"therapist_id": UUID(int=1)}],
}  # fmt: skip


async def test_what_is_known_of_places_and_of_free_time_is_the_latest_in_whatever_order(
    office: Office,
) -> None:
    await office.describe(1)
    site = next(iter(SITES.values()))
    open_now = a_site(site).model_copy(update={"status": "open"})
    closed = open_now.model_copy(update={"status": "closed"})
    full = CapacityChanged(therapist_id=UUID(int=1), session_minutes=50, free=(), changed_at=NOW)
    known = set()
    for told in interleavings([open_now, closed], [full]):
        await office.database.pool.execute("DELETE FROM sites")
        for event in (*told, closed, full):
            await office.hear(know_capacity if event is full else know_sites, event)
        places = await office.database.pool.fetch("SELECT site_id, status FROM sites")
        lanes = await office.database.pool.fetch("SELECT full_lanes FROM loads")
        known.add((*(tuple(row.values()) for row in places), *(tuple(row["full_lanes"]) for row in lanes)))
    assert len(known) == 1, known
