"""Own hours are given back and moved: by those they concern, as they saw them, and never into another's."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.scheduling.domain.changes import Caller, Move
from services.scheduling.domain.refusals import Refused
from services.scheduling.domain.wall_time import minute_of, moment_of
from services.scheduling.handlers import changing, places
from shared.contracts.matching import MatchMade
from shared.contracts.scheduling import AppointmentBooked, AppointmentCancelled, AppointmentRescheduled
from tests.scheduling import world
from tests.scheduling.reference import rule
from tests.scheduling.store import NOW, Store

DESK = Caller("clinic_desk", "desk-1", organisation="rehmat-hospital")
COORDINATOR = Caller("coordinator", "staff-1")
TUESDAY = NOW + timedelta(days=1)  # 10:00 in Karachi
FRIDAY = NOW + timedelta(days=4)


async def book(store: Store, *candidates: Any, **changes: Any) -> tuple[AppointmentBooked, Caller]:
    """An appointment and the person who has it."""
    made: MatchMade = world.match(*candidates, **changes)
    await store.hear(made)
    (booked,) = await store.said(AppointmentBooked, case_id=made.case_id)
    return booked, Caller("person", str(uuid4()), case_id=made.case_id)


async def cancel(store: Store, appointment_id: UUID, who: Caller, seen: int | None = 1) -> str:
    """The state that it has then."""
    async with store.transaction() as tx:
        return (await changing.cancel(tx, appointment_id, who, "cannot_come", seen)).state


async def move(
    store: Store, appointment_id: UUID, who: Caller, start: datetime, seen: int | None = 1
) -> datetime:
    """The start that it has then."""
    async with store.transaction() as tx:
        return moment_of(
            (await changing.reschedule(tx, appointment_id, who, Move(minute_of(start)), seen)).start
        )


async def refusal(store: Store, attempt: Any) -> Refused:
    """Why it is refused; that nothing was written is checked here."""
    before = await store.state()
    with pytest.raises(Refused) as refused:
        await attempt
    assert await store.state() == before
    return refused.value


async def test_a_person_gives_the_own_hour_back_and_another_can_have_it(store: Store) -> None:
    therapist = await world.add_therapist(store, [rule(1, "12:00", "13:00")])
    hour, person = await book(store, therapist, latest=FRIDAY)
    assert await cancel(store, hour.appointment_id, person) == "cancelled"
    (said,) = await store.said(AppointmentCancelled)
    assert (said.appointment_id, said.version, said.by, said.reason) == (
        hour.appointment_id,
        2,
        "person",
        "cannot_come",
    )
    assert said.attendees == hour.attendees
    other, _ = await book(store, therapist, latest=FRIDAY)
    assert other.start == hour.start


async def test_events_say_which_kind_of_people_changed_it(store: Store) -> None:
    therapist = await world.add_therapist(store)
    callers = (Caller("therapist", str(therapist)), DESK, COORDINATOR)
    for who in callers:
        hour, _ = await book(store, therapist)
        await cancel(store, hour.appointment_id, who)
    assert [one.by for one in await store.said(AppointmentCancelled)] == ["therapist", "clinic", "clinic"]


@pytest.mark.parametrize(
    "foreign",
    [
        Caller("person", "somebody", case_id=uuid4()),
        Caller("person", "somebody"),
        Caller("therapist", str(uuid4())),
        Caller("clinic_desk", "desk-2", organisation="humqadam-network"),
        Caller("clinic_desk", "desk-3"),
        Caller("operator", "operator-1"),
    ],
)
async def test_what_is_not_theirs_does_not_exist_for_them(store: Store, foreign: Caller) -> None:
    therapist = await world.add_therapist(store)
    hour, _ = await book(store, therapist)
    for attempt in (
        cancel(store, hour.appointment_id, foreign),
        move(store, hour.appointment_id, foreign, TUESDAY),
        cancel(store, uuid4(), COORDINATOR),
        move(store, uuid4(), COORDINATOR, TUESDAY),
    ):
        assert (await refusal(store, attempt)).code == "not_found"


async def test_nobody_changes_what_they_have_not_seen(store: Store) -> None:
    therapist = await world.add_therapist(store)
    hour, person = await book(store, therapist)
    for seen, code in ((None, "version_missing"), (2, "stale_version"), (0, "stale_version")):
        assert (await refusal(store, cancel(store, hour.appointment_id, person, seen))).code == code
        attempt = move(store, hour.appointment_id, person, TUESDAY, seen)
        assert (await refusal(store, attempt)).code == code


async def test_cancelled_twice_changes_nothing_more(store: Store) -> None:
    therapist = await world.add_therapist(store)
    hour, person = await book(store, therapist)
    await cancel(store, hour.appointment_id, person)
    before = await store.state()
    for seen in (1, 2, None):
        assert await cancel(store, hour.appointment_id, person, seen) == "cancelled"
    assert await store.state() == before
    attempt = move(store, hour.appointment_id, person, TUESDAY, 2)
    assert (await refusal(store, attempt)).code == "already_cancelled"


async def test_what_has_begun_is_neither_cancelled_nor_moved(store: Store) -> None:
    therapist = await world.add_therapist(store)
    hour, person = await book(store, therapist)
    store.now = hour.start
    for attempt in (
        cancel(store, hour.appointment_id, person),
        move(store, hour.appointment_id, person, TUESDAY),
    ):
        assert (await refusal(store, attempt)).code == "already_begun"


async def test_an_hour_is_moved_in_place_and_the_old_one_is_free_at_once(store: Store) -> None:
    site = await world.add_site(store, rooms=2)
    therapist = await world.add_therapist(store, [rule(d, "09:00", "13:00", site) for d in (1, 2)])
    hour, person = await book(store, (therapist, site))
    assert await move(store, hour.appointment_id, person, TUESDAY) == TUESDAY
    (said,) = await store.said(AppointmentRescheduled)
    assert (said.appointment_id, said.version, said.previous_start, said.start, said.by) == (
        hour.appointment_id,
        2,
        hour.start,
        TUESDAY,
        "person",
    )
    assert (said.site_id, said.end - said.start) == (site, hour.end - hour.start)
    assert await store.count("reservations") == 3
    again, _ = await book(store, (therapist, site))
    assert again.start == hour.start
    steps = await store.rows("SELECT step FROM scheduling.journey WHERE case_id = $1", hour.case_id)
    assert sorted(one["step"] for one in steps) == ["appointment_booked", "appointment_rescheduled"]


async def test_an_hour_may_be_moved_by_a_quarter_into_what_it_has_itself(store: Store) -> None:
    therapist = await world.add_therapist(store)
    hour, person = await book(store, therapist)
    wished = hour.start + timedelta(minutes=15)
    assert await move(store, hour.appointment_id, person, wished) == wished


async def test_moved_to_where_it_is_already_nothing_changes_and_nobody_is_told(store: Store) -> None:
    therapist = await world.add_therapist(store)
    hour, person = await book(store, therapist)
    before = await store.state()
    assert await move(store, hour.appointment_id, person, hour.start) == hour.start
    assert await store.state() == before


async def test_a_taken_hour_is_refused_with_the_nearest_that_are_free(store: Store) -> None:
    therapist = await world.add_therapist(store)
    (hour, person), (taken, _) = [await book(store, therapist) for _ in range(2)]
    refused = await refusal(store, move(store, hour.appointment_id, person, taken.start))
    assert refused.code == "slot_taken"
    times = [moment_of(one) for one in refused.alternatives]
    assert [world.local(one) for one in times] == ["Mon 14:30", "Mon 14:45", "Mon 15:00"]
    for seen, start in enumerate(times, start=1):  # each of them can really be had
        assert await move(store, hour.appointment_id, person, start, seen) == start


async def test_hours_outside_the_calendar_or_too_soon_are_refused_with_others(store: Store) -> None:
    therapist = await world.add_therapist(store, notice=1440)
    hour, person = await book(store, therapist)
    for wished in (hour.start.replace(hour=20), NOW + timedelta(hours=3)):
        refused = await refusal(store, move(store, hour.appointment_id, person, wished))
        assert (refused.code, len(refused.alternatives)) == ("slot_taken", 3)


async def test_without_any_other_hour_the_refusal_offers_none(store: Store) -> None:
    therapist = await world.add_therapist(store)
    hour, person = await book(store, therapist)
    await store.hear(world.therapist(therapist, status="suspended", changed_at=NOW))
    refused = await refusal(store, move(store, hour.appointment_id, person, TUESDAY))
    assert (refused.code, refused.alternatives) == ("slot_taken", [])


@pytest.mark.parametrize(
    ("wished", "code"),
    [
        (TUESDAY + timedelta(minutes=7), "off_grid"),
        (NOW - timedelta(days=1), "in_the_past"),
        (NOW + timedelta(days=120), "too_far"),
    ],
)
async def test_a_start_that_can_never_be_names_the_field(store: Store, wished: datetime, code: str) -> None:
    therapist = await world.add_therapist(store)
    hour, person = await book(store, therapist)
    refused = await refusal(store, move(store, hour.appointment_id, person, wished))
    assert refused.code == "invalid_request"
    assert [(fault.pointer, fault.code) for fault in refused.faults] == [("/start", code)]


async def test_a_full_week_may_be_rearranged_but_not_entered(store: Store) -> None:
    therapist = await world.add_therapist(store, weekly_limit=1)
    (this_week, person), (next_week, other) = [await book(store, therapist) for _ in range(2)]
    assert next_week.start - this_week.start > timedelta(days=6)
    entered = next_week.start + timedelta(days=1)
    refused = await refusal(store, move(store, this_week.appointment_id, person, entered))
    assert refused.code == "slot_taken"
    assert await move(store, this_week.appointment_id, person, TUESDAY) == TUESDAY
    assert await move(store, next_week.appointment_id, other, entered) == entered
    used = await store.rows("SELECT used FROM scheduling.weekly_load ORDER BY week")
    assert [row["used"] for row in used] == [1, 1]


@pytest.mark.parametrize("limit", [0, 1])
async def test_below_a_lowered_limit_hours_may_be_moved_within_their_week_and_none_added(
    store: Store, limit: int
) -> None:
    therapist = await world.add_therapist(store)
    (hour, person), (other, somebody) = [await book(store, therapist) for _ in range(2)]
    await store.hear(world.therapist(therapist, weekly_limit=limit, changed_at=NOW))
    next_week = TUESDAY + timedelta(days=7)
    assert await move(store, hour.appointment_id, person, TUESDAY) == TUESDAY
    refused = await refusal(store, move(store, other.appointment_id, somebody, TUESDAY))
    assert (refused.code, len(refused.alternatives)) == ("slot_taken", 3)
    if (
        limit
    ):  # room in the next week is room for whoever moves there, and the own week is none the fuller for it
        assert await move(store, other.appointment_id, somebody, next_week) == next_week
    else:
        assert (
            await refusal(store, move(store, other.appointment_id, somebody, next_week))
        ).code == "slot_taken"
    made = world.match(therapist, latest=FRIDAY)
    await store.hear(made)
    assert await store.said(AppointmentBooked, case_id=made.case_id) == []
    weeks = await store.rows("SELECT used, most FROM scheduling.weekly_load ORDER BY week")
    assert [(row["used"], row["most"]) for row in weeks] == ([(1, 1), (1, 1)] if limit else [(2, 2)])


async def test_a_move_to_another_week_is_counted_there(store: Store) -> None:
    therapist = await world.add_therapist(store, weekly_limit=1)
    hour, person = await book(store, therapist)
    await move(store, hour.appointment_id, person, TUESDAY + timedelta(days=7))
    used = await store.rows("SELECT used FROM scheduling.weekly_load ORDER BY week")
    assert [row["used"] for row in used] == [0, 1]
    filled, _ = await book(store, therapist)
    assert world.local(filled.start) == "Mon 12:00"


async def test_a_move_goes_by_the_calendar_of_now(store: Store) -> None:
    therapist = await world.add_therapist(store)
    hour, person = await book(store, therapist)
    evenings = world.calendar(therapist, [rule(2, "18:00", "20:00")], buffer=30, notice=0)
    async with store.transaction() as tx:
        await places.save_calendar(tx, evenings, 1)
    assert (await refusal(store, move(store, hour.appointment_id, person, TUESDAY))).code == "slot_taken"
    evening = TUESDAY + timedelta(hours=8)
    assert await move(store, hour.appointment_id, person, evening) == evening
    (row,) = await store.rows("SELECT during FROM scheduling.reservations WHERE resource_id = $1", therapist)
    assert row["during"].lower == evening - timedelta(minutes=30)


async def test_an_hour_moves_to_another_room_when_the_own_one_is_taken_then(store: Store) -> None:
    site = await world.add_site(store, rooms=2)
    rules = [rule(day, "09:00", "13:00", site) for day in (1, 2)]
    mine, theirs = await world.add_therapist(store, rules), await world.add_therapist(store, rules)
    hour, person = await book(store, (mine, site))
    other, _ = await book(store, (theirs, site), earliest=TUESDAY)
    assert (other.room_id, other.start) == (hour.room_id, TUESDAY)
    await move(store, hour.appointment_id, person, TUESDAY)
    (said,) = await store.said(AppointmentRescheduled)
    assert said.room_id not in (None, hour.room_id)


async def test_a_person_is_not_moved_onto_another_hour_of_their_own(store: Store) -> None:
    one, other = await world.add_therapist(store), await world.add_therapist(store)
    hour, person = await book(store, one)
    second, _ = await book(store, other, attendees=hour.attendees, earliest=TUESDAY)
    refused = await refusal(store, move(store, hour.appointment_id, person, second.start))
    assert refused.code == "slot_taken"
    free = [moment_of(one) for one in refused.alternatives]
    assert all(abs(start - second.start) >= timedelta(minutes=50) for start in free)


async def test_a_match_told_again_brings_nothing_back_that_was_moved_or_cancelled(store: Store) -> None:
    therapist = await world.add_therapist(store)
    moved, gone = world.match(therapist), world.match(therapist)
    await store.hear(moved, gone)
    ids = {one.case_id: one.appointment_id for one in await store.said(AppointmentBooked)}
    await move(store, ids[moved.case_id], COORDINATOR, TUESDAY)
    await cancel(store, ids[gone.case_id], COORDINATOR)
    before = await store.state()
    await store.hear(moved, gone)
    assert await store.state() == before


async def test_a_moved_hour_is_given_back_by_a_withdrawal_and_a_higher_attempt(store: Store) -> None:
    therapist = await world.add_therapist(store)
    for follow in (world.withdrawal, lambda made: made.model_copy(update={"attempt": 2})):
        made = world.match(therapist)
        await store.hear(made)
        (hour,) = await store.said(AppointmentBooked, case_id=made.case_id)
        await move(store, hour.appointment_id, COORDINATOR, TUESDAY)
        await store.hear(follow(made))
        (gone,) = await store.said(AppointmentCancelled, case_id=made.case_id)
        assert (gone.version, gone.start) == (3, TUESDAY)


async def test_after_a_cancellation_a_higher_attempt_is_booked_again(store: Store) -> None:
    therapist = await world.add_therapist(store)
    hour, person = await book(store, therapist)
    await cancel(store, hour.appointment_id, person)
    again = world.match(therapist, case_id=hour.case_id, attempt=2, attendees=hour.attendees)
    await store.hear(again)
    assert [one.attempt for one in await store.said(AppointmentBooked)] == [1, 2]
