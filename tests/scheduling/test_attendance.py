"""What becomes of a booked hour: it stands, somebody came, it took place, or nobody came; each in its turn and time."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, get_args
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scheduling.domain.appointments import Appointment, State
from services.scheduling.domain.attendance import EARLIEST_ARRIVAL, Step, after_step
from services.scheduling.domain.changes import Caller, Move, next_steps
from services.scheduling.domain.refusals import Refused
from services.scheduling.domain.wall_time import minute_of, moment_of
from services.scheduling.handlers import attending, changing
from shared.contracts.scheduling import (
    AppointmentArrived,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentFulfilled,
    AppointmentNoShow,
    AppointmentRescheduled,
)
from tests.scheduling import world
from tests.scheduling.reference import rule
from tests.scheduling.store import NOW, Store
from tests.scheduling.test_changing import COORDINATOR, DESK, TUESDAY, book, cancel, move, refusal

STEPS: tuple[Step, ...] = get_args(Step)
START = minute_of(NOW)
AN_HOUR = Appointment(
    uuid4(), uuid4(), uuid4(), 1, 3, "booked", "online", "video", uuid4(), "rehmat-hospital", None, None,
    (uuid4(),), (uuid4(),), START, START + 50, 10, 2968, "Asia/Karachi",
)  # fmt: skip
# From each state: what each step makes of it, long after the start.
TABLE: dict[State, dict[Step, str]] = {
    "booked": {"confirm": "booked", "arrive": "arrived", "fulfil": "not_arrived", "no_show": "no_show"},
    "arrived": {"confirm": "already_arrived", "arrive": "arrived", "fulfil": "fulfilled", "no_show": "already_arrived"},
    "fulfilled": dict.fromkeys(STEPS, "already_fulfilled") | {"fulfil": "fulfilled"},
    "no_show": dict.fromkeys(STEPS, "already_no_show") | {"no_show": "no_show"},
    "cancelled": dict.fromkeys(STEPS, "already_cancelled"),
}  # fmt: skip


def outcome(appointment: Appointment, step: Step, now: int, seen: int | None = 3) -> str:
    """The state after it, or why not."""
    try:
        return after_step(appointment, step, seen, now).state
    except Refused as refused:
        return refused.code


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("state", get_args(State))
def test_a_step_leads_where_the_table_says_and_nowhere_else(state: State, step: Step) -> None:
    assert outcome(replace(AN_HOUR, state=state), step, START + 90) == TABLE[state][step]


@pytest.mark.parametrize(
    ("state", "step", "first"),
    [
        ("booked", "arrive", START - EARLIEST_ARRIVAL),
        ("arrived", "fulfil", START),
        ("booked", "no_show", START),
    ],
)
def test_a_step_is_refused_until_its_time_and_the_refusal_says_when(
    state: State, step: Step, first: int
) -> None:
    hour = replace(AN_HOUR, state=state)
    with pytest.raises(Refused) as refused:
        after_step(hour, step, 3, first - 1)
    assert (refused.value.code, refused.value.possible_from) == ("too_early", first)
    assert after_step(hour, step, 3, first).version == 4


def test_a_provisional_hour_is_confirmed_until_it_begins() -> None:
    hour = replace(AN_HOUR, why="to_be_confirmed")
    firm = after_step(hour, "confirm", 3, START - 1)
    assert (firm.certainty, firm.state, firm.version) == ("firm", "booked", 4)
    assert outcome(hour, "confirm", START) == "already_begun"
    assert after_step(hour, "arrive", 3, START).certainty == "firm"


@given(
    state=st.sampled_from(get_args(State)),
    steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(-1000, 1000)), max_size=8),
)
def test_the_version_rises_by_one_with_each_change_and_a_step_taken_again_changes_nothing(
    state: State, steps: list[tuple[Step, int]]
) -> None:
    hour = replace(AN_HOUR, state=state)
    for step, since_start in steps:
        try:
            after = after_step(hour, step, hour.version, START + since_start)
        except Refused:
            continue
        assert after.version == hour.version + (after != hour)
        assert replace(after, version=hour.version, state=hour.state, why=hour.why) == hour
        assert after_step(after, step, None, START + since_start) == after
        hour = after


@pytest.mark.parametrize("step", STEPS)
def test_nobody_takes_a_step_on_what_they_have_not_seen(step: Step) -> None:
    hour = replace(AN_HOUR, state="arrived" if step == "fulfil" else "booked", why="to_be_confirmed")
    assert outcome(hour, step, START - (step == "confirm"), None) == "version_missing"
    assert outcome(hour, step, START - (step == "confirm"), 2) == "stale_version"


def test_what_can_be_done_next_is_named_for_staff_and_less_of_it_for_the_person() -> None:
    person = Caller("person", "p", case_id=AN_HOUR.case_id)
    provisional = replace(AN_HOUR, why="to_be_confirmed")
    assert next_steps(AN_HOUR, person) == ["cancel", "reschedule"]
    assert next_steps(AN_HOUR, DESK) == ["cancel", "reschedule", "arrive", "no_show"]
    assert "confirm" in next_steps(provisional, DESK)
    assert next_steps(replace(AN_HOUR, state="arrived"), DESK) == ["cancel", "fulfil", "undo"]
    assert next_steps(replace(AN_HOUR, state="no_show"), DESK) == ["undo"]
    for over in ("fulfilled", "cancelled"):
        assert next_steps(replace(AN_HOUR, state=over), COORDINATOR) == []


async def take(store: Store, hour: Any, step: Step, who: Caller = DESK, seen: int | None = 1) -> Appointment:
    async with store.transaction() as tx:
        return await attending.take_step(tx, hour.appointment_id, who, step, seen)


async def at_its_start(store: Store) -> tuple[AppointmentBooked, Caller]:
    """An hour in person that begins now, and its person."""
    site = await world.add_site(store)
    therapist = await world.add_therapist(store, [rule(day, "09:00", "17:00", site) for day in range(1, 6)])
    hour, person = await book(store, (therapist, site))
    store.now = hour.start
    return hour, person


async def test_somebody_arrives_and_the_session_takes_place_and_everybody_is_told(store: Store) -> None:
    hour, _ = await at_its_start(store)
    therapist = Caller("therapist", str(hour.therapist_id))
    await take(store, hour, "arrive")
    assert (await take(store, hour, "fulfil", therapist, 2)).state == "fulfilled"
    came, done = await store.said(AppointmentArrived, AppointmentFulfilled)
    assert (type(came), came.version, came.by) == (AppointmentArrived, 2, "clinic")
    assert (type(done), done.version, done.by) == (AppointmentFulfilled, 3, "therapist")
    same = hour.model_dump(exclude={"version", "by", "changed_at"})
    assert all(same.items() <= one.model_dump().items() for one in (came, done))
    steps = await store.rows(
        "SELECT step, detail FROM scheduling.journey WHERE case_id = $1 ORDER BY step", hour.case_id
    )
    assert [(one["step"], one["detail"]) for one in steps if one["step"] != "appointment_booked"] == [
        ("appointment_arrived", "by clinic"), ("appointment_fulfilled", "by therapist"),
    ]  # fmt: skip


async def test_nobody_came_and_the_hour_stays_taken_and_counted(store: Store) -> None:
    hour, _ = await at_its_start(store)
    before = await store.rows("SELECT * FROM scheduling.reservations ORDER BY resource_id")
    assert (await take(store, hour, "no_show", COORDINATOR)).state == "no_show"
    (said,) = await store.said(AppointmentNoShow)
    assert (said.version, said.by, said.start) == (2, "clinic", hour.start)
    assert await store.rows("SELECT * FROM scheduling.reservations ORDER BY resource_id") == before
    assert [row["used"] for row in await store.rows("SELECT used FROM scheduling.weekly_load")] == [1]
    assert await store.wrong() == []


async def test_taken_twice_a_step_changes_nothing_more_and_tells_nobody(store: Store) -> None:
    hour, _ = await at_its_start(store)
    await take(store, hour, "arrive")
    before = await store.state()
    for seen in (1, 2, None):
        assert (await take(store, hour, "arrive", seen=seen)).version == 2
    assert await store.state() == before


@pytest.mark.parametrize("step", STEPS)
async def test_staff_of_others_do_not_find_the_hour(store: Store, step: Step) -> None:
    hour, _ = await at_its_start(store)
    for foreign in (
        Caller("clinic_desk", "desk-2", organisation="humqadam-network"),
        Caller("therapist", str(uuid4())),
        Caller("clinic_desk", "desk-3"),
    ):
        assert (await refusal(store, take(store, hour, step, foreign))).code == "not_found"


async def test_before_the_start_nobody_is_missed_and_nothing_took_place(store: Store) -> None:
    hour, _ = await at_its_start(store)
    store.now = hour.start - timedelta(minutes=1)
    refused = await refusal(store, take(store, hour, "no_show"))
    assert (refused.code, refused.possible_from) == ("too_early", minute_of(hour.start))
    await take(store, hour, "arrive")
    assert (await refusal(store, take(store, hour, "fulfil", seen=2))).code == "too_early"


async def test_whoever_has_arrived_is_not_moved_but_may_still_be_sent_home_before_the_start(
    store: Store,
) -> None:
    hour, person = await at_its_start(store)
    store.now = hour.start - timedelta(minutes=20)
    await take(store, hour, "arrive")
    assert (
        await refusal(store, move(store, hour.appointment_id, person, TUESDAY, 2))
    ).code == "already_arrived"
    assert await cancel(store, hour.appointment_id, DESK, 2) == "cancelled"
    assert await store.count("reservations") == 0
    assert (await refusal(store, take(store, hour, "fulfil", seen=3))).code == "already_cancelled"


@pytest.mark.parametrize("step", ["arrive", "no_show"])
async def test_a_withdrawal_takes_nothing_back_of_what_has_become_of_an_hour(
    store: Store, step: Step
) -> None:
    therapist = await world.add_therapist(store)
    made = world.match(therapist)
    await store.hear(made)
    (hour,) = await store.said(AppointmentBooked)
    store.now = hour.start
    await take(store, hour, step)
    await store.hear(world.withdrawal(made))
    assert await store.said(AppointmentCancelled) == []
    assert await store.count("reservations") == 2


async def test_after_an_hour_that_took_place_the_case_may_have_the_next_one(store: Store) -> None:
    therapist = await world.add_therapist(store)
    hour, _ = await book(store, therapist)
    store.now = hour.start
    await take(store, hour, "arrive")
    await take(store, hour, "fulfil", seen=2)
    next_one = world.match(
        therapist, case_id=hour.case_id, attempt=2, attendees=hour.attendees, earliest=TUESDAY
    )
    await store.hear(next_one)
    assert [one.attempt for one in await store.said(AppointmentBooked)] == [1, 2]
    assert await store.said(AppointmentCancelled) == []


async def reschedule(store: Store, appointment_id: UUID, who: Caller, wanted: Move) -> Appointment:
    async with store.transaction() as tx:
        return await changing.reschedule(tx, appointment_id, who, wanted, 1)


async def test_an_hour_that_staff_moved_provisionally_is_firm_once_it_is_confirmed(store: Store) -> None:
    hour, person = await book(store, await world.add_therapist(store))
    there = await reschedule(
        store, hour.appointment_id, DESK, Move(minute_of(TUESDAY), certainty="provisional")
    )
    assert there.certainty == "provisional"
    await take(store, hour, "confirm", seen=2)
    moved, told = (await store.said(AppointmentRescheduled, AppointmentBooked))[-2:]
    assert (moved.certainty, moved.by) == ("provisional", "clinic")
    assert (type(told), told.certainty, told.version, told.start) == (AppointmentBooked, "firm", 3, TUESDAY)
    before = await store.state()
    await take(store, hour, "confirm", seen=1)
    assert await store.state() == before
    later = await move_again(store, hour.appointment_id, person, TUESDAY + timedelta(hours=2))
    assert later == TUESDAY + timedelta(hours=2)


async def move_again(store: Store, appointment_id: UUID, who: Caller, start: datetime) -> datetime:
    async with store.transaction() as tx:
        there = await changing.reschedule(tx, appointment_id, who, Move(minute_of(start)), 3)
    assert there.certainty == "firm"
    return moment_of(there.start)


async def test_how_certain_an_hour_is_the_person_does_not_say_and_nobody_says_it_in_passing(
    store: Store,
) -> None:
    hour, person = await book(store, await world.add_therapist(store))
    here, there = minute_of(hour.start), minute_of(TUESDAY)
    for who, wanted, code in (
        (person, Move(there, certainty="firm"), "not_allowed"),
        (DESK, Move(here, certainty="provisional"), "same_hour"),
    ):
        refused = await refusal(store, reschedule(store, hour.appointment_id, who, wanted))
        assert [(one.pointer, one.code) for one in refused.faults] == [("/certainty", code)]
