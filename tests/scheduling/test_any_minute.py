"""Staff put an hour where it really is, between the quarters too; people choose among quarter hours."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from services.scheduling.domain.changes import Caller
from services.scheduling.handlers import attending
from services.scheduling.repository import appointments
from tests.scheduling import world
from tests.scheduling.reference import rule
from tests.scheduling.store import NOW, Store
from tests.scheduling.test_changing import COORDINATOR, DESK, TUESDAY, book, move, refusal

LATE = TUESDAY + timedelta(minutes=7)
ALL_WEEK = [rule(day, "00:00", "24:00") for day in range(1, 8)]


async def end_of(store: Store, appointment_id: UUID) -> int:
    async with store.transaction() as tx:
        found = await appointments.find(tx, appointment_id)
    assert found is not None
    return found.end - found.start


async def test_staff_move_an_hour_to_any_minute_and_a_person_to_quarter_hours(store: Store) -> None:
    therapist = await world.add_therapist(store)
    hour, person = await book(store, therapist)
    refused = await refusal(store, move(store, hour.appointment_id, person, LATE))
    assert [fault.code for fault in refused.faults] == ["off_grid"]
    callers = (DESK, COORDINATOR, Caller("therapist", str(therapist)))
    for seen, who in enumerate(callers, start=1):
        wished = LATE + timedelta(minutes=seen)
        assert await move(store, hour.appointment_id, who, wished, seen) == wished
    assert await end_of(store, hour.appointment_id) == 50


async def test_beside_an_hour_between_the_quarters_nobody_is_booked_into_it(store: Store) -> None:
    therapist = await world.add_therapist(store)
    (hour, _), (other, person) = [await book(store, therapist) for _ in range(2)]
    await move(store, hour.appointment_id, DESK, LATE)
    # 50 minutes, and a pause of 10 on both sides of each: before 11:17 no other may begin.
    for minutes in (-45, 0, 75):
        refused = await refusal(
            store, move(store, other.appointment_id, person, TUESDAY + timedelta(minutes=minutes))
        )
        assert refused.code == "slot_taken"
    after = TUESDAY + timedelta(minutes=90)
    assert await move(store, other.appointment_id, person, after) == after
    refused = await refusal(store, move(store, other.appointment_id, DESK, LATE + timedelta(minutes=69), 2))
    assert refused.code == "slot_taken"
    close = LATE + timedelta(minutes=70)
    assert await move(store, other.appointment_id, DESK, close, 2) == close
    for view in ("double_bookings", "incomplete_appointments", "wrong_weekly_loads"):
        assert await store.rows(f"SELECT * FROM scheduling.{view}") == []


async def test_where_a_minute_is_not_free_quarter_hours_are_offered(store: Store) -> None:
    therapist = await world.add_therapist(store)
    (hour, _), (taken, _) = [await book(store, therapist) for _ in range(2)]
    wished = taken.start + timedelta(minutes=3)
    refused = await refusal(store, move(store, hour.appointment_id, DESK, wished))
    assert len(refused.alternatives) == 3
    assert [one % 15 for one in refused.alternatives] == [0, 0, 0]


@pytest.mark.parametrize("later", [timedelta(), timedelta(minutes=1)])
async def test_an_hour_may_begin_at_once_where_the_calendar_asks_for_no_notice(
    store: Store, later: timedelta
) -> None:
    therapist = await world.add_therapist(store, ALL_WEEK, notice=0)
    hour, _ = await book(store, therapist)
    assert await move(store, hour.appointment_id, DESK, NOW + later) == NOW + later
    store.now = NOW + later
    async with store.transaction() as tx:
        missed = await attending.take_step(tx, hour.appointment_id, DESK, "no_show", 2)
    assert missed.state == "no_show"


@pytest.mark.parametrize(
    ("notice", "wished", "code"),
    [(0, NOW - timedelta(minutes=1), "invalid_request"), (120, NOW + timedelta(minutes=1), "slot_taken")],
)
async def test_no_hour_begins_in_the_past_or_before_the_notice_its_therapist_needs(
    store: Store, notice: int, wished: datetime, code: str
) -> None:
    hour, _ = await book(store, await world.add_therapist(store, ALL_WEEK, notice=notice))
    assert (await refusal(store, move(store, hour.appointment_id, DESK, wished))).code == code
