"""An hour that was kept is called free once, when it can be had again: not when somebody has it by then."""

from datetime import timedelta

import pytest

from services.scheduling.handlers import knowing
from services.scheduling.handlers.matches import book_matches
from shared.contracts.scheduling import AppointmentBooked, AppointmentHeld, AppointmentReleased, SlotFreed
from tests.scheduling import test_holds, world
from tests.scheduling.reference import rule
from tests.scheduling.store import Store
from tests.scheduling.test_changing import book, cancel
from tests.scheduling.test_elsewhere import move
from tests.scheduling.test_kept_hours_that_close import CLOSING, a_day
from tests.scheduling.test_offers import ONE_HOUR, choice, held, offer

NOON = test_holds.NOON


@pytest.mark.parametrize("ends", ["comes due", "given back", "superseded", "withdrawn"])
async def test_an_hour_that_somebody_has_by_the_end_of_its_hold_is_not_called_free(
    store: Store, ends: str
) -> None:
    case = await test_holds.given_back(store)
    therapist = await world.add_therapist(store, test_holds.ONE_HOUR, notice=0, horizon=5)
    kept = await test_holds.hold(store, test_holds.wanted(case, therapist))
    before = len(await store.said(SlotFreed))
    store.now = kept.held_until
    await store.hear(world.match(therapist, earliest=store.now))
    match ends:
        case "comes due":
            await test_holds.comes_due(store, kept)
        case "given back":
            await test_holds.give_back(store, kept)
        case "superseded":
            await store.hear(world.match(await world.add_therapist(store), case_id=case.case_id, attempt=2))
        case "withdrawn":
            await store.hear(world.withdrawal(case))
    assert len(await store.said(AppointmentReleased)) == 1
    assert len(await store.said(SlotFreed)) == before


async def test_an_hour_that_nobody_has_by_the_end_of_its_hold_is_called_free(store: Store) -> None:
    case = await test_holds.given_back(store)
    therapist = await world.add_therapist(store, [rule(1, "12:00", "17:00")], notice=0, horizon=5)
    kept = await test_holds.hold(store, test_holds.wanted(case, therapist))
    await store.hear(world.match(therapist))  # the hour after it
    store.now = kept.held_until
    await test_holds.comes_due(store, kept)
    assert [(one.therapist_id, one.start) for one in await store.said(SlotFreed)][-1] == (therapist, NOON)


async def test_whoever_gets_their_own_kept_hour_after_its_time_frees_none(store: Store) -> None:
    therapist = await world.add_therapist(store, ONE_HOUR, horizon=5, notice=0)
    made = offer(therapist, last_too=True)
    kept = await held(store, made)
    store.now = kept.held_until
    await store.hear(choice(made))
    assert [one.start for one in await store.said(AppointmentBooked)] == [kept.start]
    assert await store.said(SlotFreed) == []


async def test_an_hour_that_is_kept_for_somebody_as_it_is_left_is_not_called_free(store: Store) -> None:
    left, other = [await world.add_therapist(store, ONE_HOUR, horizon=5) for _ in range(2)]
    first = world.match(left)
    await store.hear(first)
    newer = world.match(other, case_id=first.case_id, attempt=2, attendees=first.attendees)
    await store.handle(book_matches, [newer, offer(left, last_too=True)])
    assert [one.therapist_id for one in await store.said(AppointmentHeld)] == [left]
    assert await store.said(SlotFreed) == []


async def test_an_hour_behind_which_only_what_ran_out_is_reserved_is_called_free(store: Store) -> None:
    """What another hold of the same therapist reserved counts for nothing when its time is up too."""
    therapist = await world.add_therapist(store, [rule(1, "12:00", "17:00")], notice=0, buffer=0, horizon=5)
    cases = [await test_holds.given_back(store) for _ in range(2)]
    before = len(await store.said(SlotFreed))
    kept = [
        await test_holds.hold(store, test_holds.wanted(case, therapist, NOON + place * timedelta(hours=1)))
        for place, case in enumerate(cases)
    ]
    store.now = kept[0].held_until
    for one in kept:
        await test_holds.comes_due(store, one)
    assert len(await store.said(SlotFreed)) == before + 2


@pytest.mark.parametrize("how", CLOSING)
async def test_an_hour_that_was_closed_before_it_was_given_back_is_not_called_free(
    store: Store, how: str
) -> None:
    day = await a_day(store)
    hour, person = await book(store, (day.therapist, day.site))
    _, kept = await day.held(NOON + timedelta(hours=2))
    before = await store.said(SlotFreed)
    await day.change(day.closes(how))
    await cancel(store, hour.appointment_id, person)
    await test_holds.give_back(store, kept)
    assert await store.said(SlotFreed) == before


@pytest.mark.parametrize("how", ["holiday", "time off", "closure", "rules"])
async def test_an_hour_that_was_closed_before_it_was_moved_away_from_is_not_called_free(
    store: Store, how: str
) -> None:
    day = await a_day(store)
    hour, person = await book(store, (day.therapist, day.site))
    await day.change(day.closes(how))
    await move(store, hour, person, hour.start + timedelta(days=1))
    assert await store.said(SlotFreed) == []


async def test_an_hour_of_whoever_takes_nobody_any_more_is_not_called_free(store: Store) -> None:
    therapist = await world.add_therapist(store)
    hour, person = await book(store, therapist)
    left = world.therapist(therapist, status="left", changed_at=store.now)
    await store.handle(knowing.record_therapists, [left])
    await cancel(store, hour.appointment_id, person)
    assert await store.said(SlotFreed) == []


async def test_an_hour_into_whose_pauses_it_was_moved_itself_is_not_called_free(store: Store) -> None:
    hour, person = await book(store, await world.add_therapist(store))
    await move(
        store, hour, person, hour.start + timedelta(hours=1)
    )  # ten minutes after its end, which are its pause
    assert await store.said(SlotFreed) == []
