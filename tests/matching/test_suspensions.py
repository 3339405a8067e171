"""Nobody is sent to a therapist who is suspended, from the very moment it begins until the very moment it ends."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.matching.handlers.dates import DateKeeper
from services.matching.handlers.profiles import Described
from services.matching.handlers.suspensions import (
    Order,
    resume_therapist,
    suspend_therapist,
)
from services.matching.repository.therapists import DUE
from shared.messaging import Due, due
from tests.matching.conftest import Office
from tests.matching.events import a_case
from tests.matching.examples import NOW, POLICY

ONE = UUID(int=1)
VALIDITY = POLICY.credentials.validity
DAY = timedelta(days=1)


async def suspend(
    office: Office, begins: datetime | None = None, ends: datetime | None = None, seen: int | None = None
) -> Described:
    async with office.database.transaction() as tx:
        return await suspend_therapist(Order(ONE, "leave", begins, ends, seen), tx, VALIDITY)


async def resume(office: Office, seen: int | None = None) -> Described:
    async with office.database.transaction() as tx:
        return await resume_therapist(Order(ONE, None, seen=seen), tx, VALIDITY)


async def come_due(office: Office, now: datetime) -> None:
    """Everything that is due by then, as the kernel's loop would call it."""
    office.now["now"] = now
    rows = await office.database.pool.fetch(
        "DELETE FROM due WHERE kind = $1 AND at <= $2 RETURNING key, at", DUE, now
    )
    if rows:
        await office.hear(
            DateKeeper(VALIDITY).follow_dates, *(Due(DUE, row["key"], row["at"]) for row in rows)
        )


async def is_matched(office: Office) -> bool:
    """Whether somebody who asks now is sent to the only therapist there is."""
    before = len(await office.made())
    await office.hear(office.matchmaker.match_cases, a_case())
    return len(await office.made()) > before


async def told(office: Office) -> list[str]:
    return [said["status"] for said in await office.said("therapist_changed")]


async def test_a_suspension_begins_at_once_and_lasts_until_it_is_lifted(office: Office) -> None:
    await office.describe(1)
    assert await is_matched(office)
    assert (await suspend(office)).version == 2
    assert not await is_matched(office)
    await come_due(office, NOW + 400 * DAY)
    assert not await is_matched(office)
    assert (await resume(office)).version == 3
    assert await is_matched(office)
    assert await told(office) == ["active", "suspended", "active"]


async def test_a_suspension_with_an_end_ends_by_itself(office: Office) -> None:
    await office.describe(1)
    await suspend(office, ends=NOW + 7 * DAY)
    await come_due(office, NOW + 7 * DAY - timedelta(seconds=1))
    assert not await is_matched(office)
    await come_due(office, NOW + 7 * DAY)
    assert await is_matched(office)
    assert await told(office) == ["active", "suspended", "active"]
    row = await office.database.pool.fetchrow("SELECT version, suspended_from, suspended_for FROM therapists")
    assert tuple(row) == (3, None, None)


async def test_one_that_is_to_come_is_told_when_it_comes(office: Office) -> None:
    await office.describe(1)
    await suspend(office, NOW + DAY, NOW + 3 * DAY)
    assert await is_matched(office)
    assert await told(office) == ["active"]
    await come_due(office, NOW + DAY)
    assert not await is_matched(office)
    await come_due(office, NOW + 2 * DAY)
    assert await told(office) == ["active", "suspended"]
    await come_due(office, NOW + 3 * DAY)
    assert await told(office) == ["active", "suspended", "active"]
    assert await is_matched(office)


async def test_dates_count_even_while_nobody_tells_that_they_have_come(office: Office) -> None:
    await office.describe(1)
    await suspend(office, NOW + DAY, NOW + 2 * DAY)
    for days, expected in ((0, True), (1, False), (2, True)):
        office.now["now"] = NOW + days * DAY
        assert await is_matched(office) == expected


async def test_a_profile_that_is_written_again_lifts_no_suspension(office: Office) -> None:
    await office.describe(1)
    await suspend(office)
    changed = await office.describe(1, fee=5)
    assert (changed.outcome, changed.version) == ("changed", 3)
    assert not await is_matched(office)
    assert await told(office) == ["active", "suspended", "suspended"]


async def test_the_same_order_again_changes_nothing_and_other_dates_move_it(office: Office) -> None:
    await office.describe(1)
    for _ in range(3):
        assert (await suspend(office, ends=NOW + 9 * DAY)).version == 2
    assert (await suspend(office, ends=NOW + DAY)).version == 3
    await come_due(office, NOW + DAY)
    assert await told(office) == ["active", "suspended", "active"]
    for _ in range(2):
        assert (await resume(office)).outcome == "unchanged"


async def test_who_was_written_down_as_suspended_can_be_resumed_too(office: Office) -> None:
    await office.describe(1, status="suspended")
    assert not await is_matched(office)
    await resume(office)
    assert await is_matched(office)
    assert await told(office) == ["suspended", "active"]


@pytest.mark.parametrize(
    ("begins", "ends"), [(None, NOW), (NOW + DAY, NOW + DAY), (NOW - 3 * DAY, NOW - DAY), (NOW, NOW - DAY)]
)
async def test_one_that_never_is_is_refused(office: Office, begins: datetime, ends: datetime) -> None:
    await office.describe(1)
    assert (await suspend(office, begins, ends)).outcome == "never"
    assert await is_matched(office)


async def test_orders_about_strangers_old_versions_and_those_who_left_change_nothing(office: Office) -> None:
    assert (await suspend(office)).outcome == (await resume(office)).outcome == "unknown"
    await office.describe(1)
    assert (await suspend(office, seen=7)).outcome == (await resume(office, seen=7)).outcome == "stale"
    await office.describe(1, status="left")
    assert (await suspend(office)).outcome == (await resume(office)).outcome == "left"
    assert await told(office) == ["active", "left"]


async def test_why_somebody_is_suspended_stays_in_matching(office: Office) -> None:
    await office.describe(1)
    await suspend(office)
    assert "leave" not in str(await office.said())


@pytest.mark.parametrize("order", [suspend, resume])
async def test_an_order_that_meets_its_own_date_waits_for_it_and_nobody_for_both(
    office: Office, order: Any
) -> None:
    await office.describe(1)
    await suspend(office, ends=NOW + DAY)
    office.now["now"] = NOW + DAY
    async with office.database.transaction() as tx:
        claimed = await due.claim(tx.connection, [DUE], 10, tx.now)
        ordered = asyncio.create_task(order(office))
        await blocked(office)
        await DateKeeper(VALIDITY).follow_dates([Due(DUE, row["key"], row["at"]) for row in claimed], tx)
    assert (await ordered).outcome == ("changed" if order is suspend else "unchanged")
    assert await told(office) == ["active", "suspended", "active", *["suspended"] * (order is suspend)]


async def blocked(office: Office) -> None:
    """Until somebody waits for a lock."""
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    async with asyncio.timeout(2):
        while not await office.database.pool.fetchval(waits):
            await asyncio.sleep(0.01)
