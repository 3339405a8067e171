"""Fencing: over both lanes a case has one appointment at most, and none after it was withdrawn."""

from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from services.scheduling.domain.changes import Caller
from services.scheduling.domain.holds import Wanted
from services.scheduling.domain.refusals import Refused
from services.scheduling.domain.wall_time import minute_of
from services.scheduling.handlers.attending import take_step
from services.scheduling.handlers.changing import cancel
from services.scheduling.handlers.holding import hold
from services.scheduling.handlers.matches import book_matches, withdraw_matches
from shared.contracts.base import Event
from shared.contracts.matching import MatchMade
from shared.contracts.scheduling import AppointmentBooked, AppointmentCancelled, SlotNotFound
from shared.web.idempotency import KeyedRequest
from tests.scheduling import world
from tests.scheduling.reference import rule
from tests.scheduling.store import NOW, Store

MORNING = [rule(1, "12:00", "13:00")]  # one hour a week
FRIDAY = NOW + timedelta(days=4)


def again(made: MatchMade, attempt: int, *candidates: Any, **changes: Any) -> MatchMade:
    """Another attempt of the same case, for the same people."""
    usual = {"case_id": made.case_id, "attendees": made.attendees, "attempt": attempt}
    return world.match(*candidates, **usual | changes)


async def booked(store: Store) -> dict[UUID, int]:
    """The attempt that has an appointment, by case."""
    rows = await store.rows("SELECT case_id, attempt FROM scheduling.appointments WHERE state = 'booked'")
    return {row["case_id"]: row["attempt"] for row in rows}


async def test_a_withdrawal_gives_the_hour_back_and_says_why(store: Store) -> None:
    therapist = await world.add_therapist(store, MORNING)
    made = world.match(therapist, latest=FRIDAY)
    await store.hear(made)
    trace = {str(made.case_id): "00-" + "5" * 32 + "-" + "6" * 16 + "-01"}
    await store.handle(withdraw_matches, [world.withdrawal(made, reason="consent_withdrawn")], trace)
    (said,) = await store.said(AppointmentCancelled)
    assert (said.case_id, said.version, said.by, said.reason) == (
        made.case_id,
        2,
        "system",
        "consent_withdrawn",
    )
    assert said.changed_at == NOW
    assert await store.count("reservations") == 0
    steps = await store.rows("SELECT step, detail, traceparent FROM scheduling.journey ORDER BY step")
    assert [(one["step"], one["detail"]) for one in steps] == [
        ("appointment_booked", "online, attempt 1"),
        ("appointment_cancelled", "by system: consent_withdrawn"),
    ]
    assert steps[1]["traceparent"].startswith("00-5555")
    other = world.match(therapist, latest=FRIDAY)
    await store.hear(other)
    assert await booked(store) == {other.case_id: 1}


@pytest.mark.parametrize(
    ("by", "minutes", "stays"), [("therapist", -1, False), ("clinic", 0, True), ("clinic", 20, True)]
)
async def test_an_hour_that_lies_ahead_is_given_back_and_one_that_has_begun_stays(
    store: Store, by: Any, minutes: int, stays: bool
) -> None:
    """Also what becomes of it can still be said, and nothing more is booked or held for the case."""
    therapist = await world.add_therapist(store)
    made = world.match(therapist)
    await store.hear(made)
    [hour] = await store.said(AppointmentBooked)
    store.now = hour.start + timedelta(minutes=minutes)
    await store.hear(world.withdrawal(made, reason="case_closed", by=by))
    cancelled = await store.said(AppointmentCancelled)
    assert [(one.by, one.reason) for one in cancelled] == ([] if stays else [(by, "case_closed")])
    assert await booked(store) == ({made.case_id: 1} if stays else {})
    await store.hear(again(made, 1, therapist))
    assert len(await store.said(AppointmentBooked)) == 1
    if stays:
        desk = Caller("coordinator", "staff-1")
        async with store.transaction() as tx:
            here = await take_step(tx, hour.appointment_id, desk, "arrive", 1)
            assert (
                await take_step(tx, hour.appointment_id, desk, "fulfil", here.version)
            ).state == "fulfilled"


async def test_of_withdrawals_that_come_together_each_is_written_down_as_made_by_its_own(
    store: Store,
) -> None:
    therapist = await world.add_therapist(store)
    kinds: tuple[Any, ...] = ("therapist", "clinic", "system")
    made = {by: world.match(therapist) for by in kinds}
    kept = {
        by: world.match(await world.add_therapist(store), mode="offer", expires_at=NOW + timedelta(hours=3))
        for by in kinds
    }
    await store.hear(*made.values(), *kept.values())
    both = [(by, one) for group in (made, kept) for by, one in group.items()]
    await store.handle(withdraw_matches, [world.withdrawal(one, by=by) for by, one in both])
    for table, column, group in (("appointments", "changed_by", made), ("holds", "ended_by", kept)):
        rows = await store.rows(f"SELECT case_id, {column} AS by FROM scheduling.{table}")
        assert {row["case_id"]: row["by"] for row in rows} == {one.case_id: by for by, one in group.items()}
    told = await store.rows("SELECT case_id, changed_by AS by FROM scheduling.appointment_changes")
    assert {row["case_id"]: row["by"] for row in told} == {one.case_id: by for by, one in made.items()}


async def test_a_closed_case_is_held_no_other_hour_by_anybody(store: Store) -> None:
    therapist = await world.add_therapist(store)
    made = world.match(therapist)
    await store.hear(made)
    [hour] = await store.said(AppointmentBooked)
    staff = Caller("therapist", str(therapist))
    async with store.transaction() as tx:
        await cancel(tx, hour.appointment_id, staff, "not_said", 1)
    await store.hear(world.withdrawal(made, reason="case_closed", by="therapist"))
    wanted = Wanted(made.case_id, therapist, minute_of(NOW + timedelta(days=1)), "video", None, minutes=30)
    with pytest.raises(Refused) as refused:
        async with store.transaction() as tx:
            await hold(tx, wanted, staff, KeyedRequest("POST /v1/holds", "k", b""))
    assert refused.value.code == "case_moved_on"


async def test_a_withdrawn_match_books_nothing_even_when_it_comes_late(store: Store) -> None:
    therapist = await world.add_therapist(store)
    made = world.match(therapist)
    await store.hear(world.withdrawal(made))
    await store.hear(made)
    assert await booked(store) == {}
    assert await store.said() == []


async def test_a_withdrawal_holds_for_lower_attempts_and_not_for_higher_ones(store: Store) -> None:
    therapist = await world.add_therapist(store)
    made = world.match(therapist)
    await store.hear(world.withdrawal(made, attempt=2))
    for attempt in (1, 2, 3):
        await store.hear(again(made, attempt, therapist))
    assert await booked(store) == {made.case_id: 3}
    assert len(await store.said()) == 1


async def test_a_late_withdrawal_of_a_lower_attempt_leaves_the_higher_one_alone(store: Store) -> None:
    therapist = await world.add_therapist(store)
    made = world.match(therapist)
    await store.hear(made)
    await store.hear(again(made, 2, therapist))
    await store.hear(world.withdrawal(made))
    assert await booked(store) == {made.case_id: 2}


async def test_a_lower_attempt_is_ignored_whichever_lane_is_slower(store: Store) -> None:
    site = await world.add_site(store)
    at_site = await world.add_therapist(store, [rule(1, "12:00", "14:00", site)])
    online = await world.add_therapist(store)
    newer = world.match(online, attempt=2)
    await store.hear(newer)
    before = await store.state()
    await store.hear(again(newer, 1, (at_site, site)))
    assert await store.state() == before
    assert await booked(store) == {newer.case_id: 2}


async def test_a_higher_attempt_gives_the_lower_ones_hour_back_in_the_same_transaction(store: Store) -> None:
    site = await world.add_site(store)
    at_site = await world.add_therapist(store, [rule(1, "12:00", "14:00", site)])
    online = await world.add_therapist(store, MORNING)
    older = world.match((at_site, site))
    await store.hear(older)
    async with store.transaction() as tx:
        await book_matches([again(older, 2, online)], tx)
        assert await booked(store) == {older.case_id: 1}  # as others see it until all of it is true
    assert await booked(store) == {older.case_id: 2}
    cancelled, new = (await store.said(AppointmentBooked, AppointmentCancelled))[-2:]
    assert isinstance(cancelled, AppointmentCancelled)
    assert (cancelled.match_id, cancelled.attempt, cancelled.by, cancelled.reason) == (
        older.match_id,
        1,
        "system",
        "superseded",
    )
    assert isinstance(new, AppointmentBooked)
    assert (new.attempt, new.lane, world.local(new.start)) == (2, "online", "Mon 12:00")
    assert new.appointment_id != cancelled.appointment_id


async def test_a_higher_attempt_may_take_the_very_hour_of_the_lower_one(store: Store) -> None:
    therapist = await world.add_therapist(store, MORNING, weekly_limit=1)
    made = world.match(therapist, latest=FRIDAY)
    await store.hear(made)
    await store.hear(again(made, 2, therapist, latest=FRIDAY))
    first, second = await store.said(AppointmentBooked)
    assert first.start == second.start
    assert await booked(store) == {made.case_id: 2}


async def test_the_hour_a_higher_attempt_gives_back_can_go_to_another_case_of_its_batch(store: Store) -> None:
    scarce, other = await world.add_therapist(store, MORNING), await world.add_therapist(store)
    made = world.match(scarce, latest=FRIDAY)
    await store.hear(made)
    waiting = world.match(scarce, latest=FRIDAY)
    await store.hear(again(made, 2, other), waiting)
    assert await booked(store) == {made.case_id: 2, waiting.case_id: 1}


async def test_a_higher_attempt_without_an_hour_still_gives_the_lower_ones_back(store: Store) -> None:
    therapist, full = await world.add_therapist(store), await world.add_therapist(store, weekly_limit=0)
    made = world.match(therapist)
    await store.hear(made)
    await store.hear(again(made, 2, full))
    assert await booked(store) == {}
    assert [one.attempt for one in await store.said(AppointmentCancelled)] == [1]
    assert [(one.attempt, one.reason) for one in await store.said(SlotNotFound)] == [(2, "no_capacity")]


async def test_two_attempts_in_one_batch_are_one_appointment_of_the_higher(store: Store) -> None:
    site = await world.add_site(store)
    at_site = await world.add_therapist(store, [rule(1, "12:00", "14:00", site)])
    online = await world.add_therapist(store)
    older = world.match((at_site, site))
    await store.hear(again(older, 2, online), older)
    assert await booked(store) == {older.case_id: 2}
    assert len(await store.said(AppointmentBooked)) == 1
    assert await store.said(AppointmentCancelled) == []


async def test_the_same_events_again_change_nothing(store: Store) -> None:
    therapist, full = await world.add_therapist(store), await world.add_therapist(store, weekly_limit=0)
    kept, gone, without = world.match(therapist), world.match(therapist), world.match(full)
    events: list[Event] = [kept, gone, without, world.withdrawal(gone), again(kept, 2, therapist)]
    await store.hear(*events)
    before = await store.state()
    for event in (*events, *reversed(events)):
        await store.hear(event)
    await store.hear(*events)
    assert await store.state() == before
    assert await booked(store) == {kept.case_id: 2}


@pytest.mark.parametrize("order", list(permutations(range(4)))[::5])
async def test_in_any_order_the_highest_attempt_that_stands_has_the_hour(
    store: Store, order: tuple[int, ...]
) -> None:
    therapist = await world.add_therapist(store)
    first = world.match(therapist)
    second = again(first, 2, therapist)
    third = again(first, 3, therapist)
    events: list[Event] = [first, world.withdrawal(second), second, third]
    for place in order:
        await store.hear(events[place])
    assert await booked(store) == {first.case_id: 3}
    assert len(await store.said(AppointmentBooked)) - len(await store.said(AppointmentCancelled)) == 1


async def test_withdrawals_of_a_whole_batch_are_one_call(store: Store) -> None:
    therapist = await world.add_therapist(store)
    matches = [world.match(therapist) for _ in range(5)]
    await store.hear(*matches)
    unknown = world.match(therapist)
    await store.handle(withdraw_matches, [world.withdrawal(made) for made in (*matches[:4], unknown)])
    assert await booked(store) == {matches[4].case_id: 1}
    said = await store.said(AppointmentCancelled)
    assert sorted(one.case_id for one in said) == sorted(made.case_id for made in matches[:4])


async def test_a_withdrawal_says_no_more_that_an_hour_is_sought(store: Store) -> None:
    full = await world.add_therapist(store, weekly_limit=0)
    made = world.match(full)
    await store.hear(made)
    assert len(await store.rows("SELECT * FROM scheduling.journey WHERE waits_for = 'matching'")) == 1
    await store.hear(world.withdrawal(made))
    assert await store.rows("SELECT * FROM scheduling.journey WHERE waits_for = 'matching'") == []
