"""While a person chooses an hour is kept for them: theirs at once when they choose it, everybody's when they do not."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from services.scheduling.domain.wall_time import minute_of
from services.scheduling.handlers import holding
from services.scheduling.handlers.holding import ENDS
from shared.contracts.base import Event
from shared.contracts.intake import ConsentChanged
from shared.contracts.matching import Candidate, MatchMade
from shared.contracts.scheduling import (
    AppointmentBooked,
    AppointmentHeld,
    AppointmentReleased,
    SlotFreed,
    SlotNotFound,
)
from shared.messaging import Due
from tests.scheduling import test_holds, world
from tests.scheduling.reference import rule
from tests.scheduling.rush import all_at_once
from tests.scheduling.store import NOW, Store

ANSWER = timedelta(hours=3)
GRACE = timedelta(minutes=10)
ONE_HOUR = [rule(1, "14:00", "15:00")]
TWO_HOURS = [rule(1, "14:00", "16:00")]


def offer(*candidates: Any, **changes: Any) -> MatchMade:
    """Three hours to take what is kept."""
    return world.match(*candidates, **{"mode": "offer", "expires_at": NOW + ANSWER} | changes)


def choice(made: MatchMade, therapist: UUID | None = None) -> MatchMade:
    """What matching says when its person has chosen this therapist, or the first."""
    chosen = made.candidates[:1] if therapist is None else (Candidate(therapist_id=therapist),)
    return made.model_copy(update={"mode": "book", "expires_at": None, "candidates": chosen})


async def held(store: Store, made: MatchMade) -> AppointmentHeld:
    await store.hear(made)
    found: list[AppointmentHeld] = await store.said(AppointmentHeld, case_id=made.case_id)
    assert len(found) == 1
    return found[0]


async def comes_due(store: Store, kept: AppointmentHeld) -> None:
    due = Due(ENDS, str(kept.appointment_id), kept.held_until, {"case_id": str(kept.case_id)})
    async with store.transaction() as tx:
        await holding.end_holds([due], tx)


async def told(store: Store, made: MatchMade, *types: type[Event]) -> list[str]:
    """What was said of this case, in order."""
    return [type(one).__name__ for one in await store.said(*types, case_id=made.case_id)]


async def test_an_offer_keeps_an_hour_and_says_until_when_it_can_be_taken(store: Store) -> None:
    therapist = await world.add_therapist(store)
    made = offer(therapist)
    kept = await held(store, made)
    assert (kept.therapist_id, kept.match_id, kept.attempt, kept.by) == (
        therapist,
        made.match_id,
        1,
        "system",
    )
    assert (kept.take_by, kept.held_until) == (NOW + ANSWER, NOW + ANSWER + GRACE)
    assert kept.start >= kept.held_until
    assert await told(store, made) == ["AppointmentHeld"]
    assert await test_holds.used(store, therapist) == 1
    (row,) = await store.rows("SELECT at FROM scheduling.due WHERE kind = $1", ENDS)
    assert row["at"] == kept.held_until


async def test_whoever_chooses_has_the_hour_that_was_kept_and_nothing_is_sought(store: Store) -> None:
    therapist = await world.add_therapist(store, weekly_limit=3)
    made = offer(therapist)
    kept = await held(store, made)
    await store.hear(choice(made))
    (booked,) = await store.said(AppointmentBooked)
    same = {"appointment_id", "start", "end", "therapist_id", "match_id", "attempt", "attendees"}
    assert booked.model_dump(include=same) == kept.model_dump(include=same)
    assert (booked.version, booked.by) == (2, "person")
    assert await told(store, made) == ["AppointmentHeld", "AppointmentBooked"]
    assert await test_holds.used(store, therapist) == 1
    await comes_due(store, kept)
    assert await told(store, made, AppointmentReleased) == []


async def test_the_hour_is_theirs_though_every_other_one_has_gone(store: Store) -> None:
    therapist = await world.add_therapist(store, [rule(1, "14:00", "17:00")], horizon=5)
    made = offer(therapist)
    await held(store, made)
    await store.hear(world.match(therapist), world.match(therapist), world.match(therapist))
    assert len(await store.said(SlotNotFound)) == 2
    await store.hear(choice(made))
    assert await told(store, made, AppointmentBooked) == ["AppointmentBooked"]


async def test_a_choice_that_is_told_twice_books_once(store: Store) -> None:
    made = offer(await world.add_therapist(store))
    await held(store, made)
    for _ in range(3):
        await store.hear(choice(made))
        await store.hear(made)
    assert await told(store, made) == ["AppointmentHeld", "AppointmentBooked"]


async def test_an_offer_that_comes_after_its_choice_keeps_nothing(store: Store) -> None:
    made = offer(await world.add_therapist(store))
    await store.hear(choice(made))
    await store.hear(made)
    assert await told(store, made) == ["AppointmentBooked"]


async def test_whoever_chooses_somebody_else_gets_them_and_the_kept_hour_is_free_at_once(
    store: Store,
) -> None:
    first, second = await world.add_therapist(store), await world.add_therapist(store)
    made = offer(first, second)
    kept = await held(store, made)
    await store.hear(choice(made, second))
    (booked,) = await store.said(AppointmentBooked)
    assert (booked.therapist_id, booked.version) == (second, 1)
    (released,) = await store.said(AppointmentReleased)
    assert (released.appointment_id, released.reason) == (kept.appointment_id, "superseded")
    (freed,) = await store.said(SlotFreed)
    assert (freed.therapist_id, freed.start) == (first, kept.start)
    assert await test_holds.used(store, first) == 0


async def test_the_hour_of_the_second_is_kept_where_the_first_has_none_to_spare(store: Store) -> None:
    full, other = await world.add_therapist(store, weekly_limit=1), await world.add_therapist(store)
    assert (await held(store, offer(full, other))).therapist_id == other


async def test_whoever_declines_frees_the_hour_for_the_next(store: Store) -> None:
    therapist = await world.add_therapist(store, TWO_HOURS, buffer=0, horizon=5)
    made = offer(therapist)
    kept = await held(store, made)
    await store.hear(world.withdrawal(made, reason="offer_declined"))
    (released,) = await store.said(AppointmentReleased)
    assert (released.reason, released.version) == ("offer_declined", 2)
    assert [one.start for one in await store.said(SlotFreed)] == [kept.start]
    await store.hear(choice(made))
    assert await told(store, made, AppointmentBooked) == []
    await store.hear(world.match(therapist), world.match(therapist))
    assert len(await store.said(AppointmentBooked)) == 2


async def test_an_hour_that_nobody_took_is_free_when_its_time_is_up_and_not_before(store: Store) -> None:
    therapist = await world.add_therapist(store, TWO_HOURS, buffer=0, horizon=5, notice=0)
    kept = await held(store, offer(therapist))
    store.now = kept.held_until - timedelta(seconds=1)
    await comes_due(store, kept)
    assert await store.said(AppointmentReleased) == []
    store.now = kept.held_until
    earlier = world.match(therapist, earliest=store.now)
    await store.hear(earlier)
    assert [one.start for one in await store.said(AppointmentBooked)] == [kept.start]
    await comes_due(store, kept)
    assert [one.reason for one in await store.said(AppointmentReleased)] == ["expired"]


async def test_an_answer_that_was_on_its_way_for_minutes_still_has_the_hour(store: Store) -> None:
    made = offer(await world.add_therapist(store))
    kept = await held(store, made)
    store.now = NOW + ANSWER + GRACE - timedelta(seconds=1)
    await store.hear(choice(made))
    assert [one.appointment_id for one in await store.said(AppointmentBooked)] == [kept.appointment_id]


async def test_an_answer_that_comes_too_late_gets_the_next_hour_with_whom_was_chosen(store: Store) -> None:
    therapist = await world.add_therapist(store, TWO_HOURS, buffer=0, horizon=5, notice=0)
    made = offer(therapist)
    kept = await held(store, made)
    store.now = kept.held_until
    await store.hear(world.match(therapist, earliest=store.now))
    await store.hear(choice(made))
    assert await told(store, made) == ["AppointmentHeld", "AppointmentReleased", "AppointmentBooked"]
    (released,) = await store.said(AppointmentReleased)
    (late,) = await store.said(AppointmentBooked, case_id=made.case_id)
    assert released.reason == "expired"
    assert late.therapist_id == therapist
    assert late.start != kept.start
    assert await test_holds.used(store, therapist) == 2


async def test_an_answer_that_comes_too_late_for_just_that_hour_gets_it_or_none(store: Store) -> None:
    therapist = await world.add_therapist(store, weekly_limit=9, notice=0)
    offers = [offer(therapist), offer(therapist)]
    first, second = [await held(store, made) for made in offers]
    store.now = first.held_until
    await store.hear(world.match(therapist, earliest=store.now))
    assert [one.start for one in await store.said(AppointmentBooked)] == [first.start]
    for made, kept in zip(offers, (first, second), strict=True):
        await store.hear(choice(made).model_copy(update={"start": kept.start}))
    assert await told(store, offers[0], AppointmentBooked, SlotNotFound) == ["SlotNotFound"]
    (booked,) = await store.said(AppointmentBooked, case_id=second.case_id)
    assert booked.start == second.start


async def test_nobody_who_is_urgent_is_kept_from_an_hour_by_those_who_choose(store: Store) -> None:
    """However many choose: a week's last place and its last open hour are never kept."""
    for changes in ({"weekly_limit": 3}, {"rules": TWO_HOURS, "buffer": 0}):
        therapist = await world.add_therapist(store, changes.pop("rules", ()), horizon=5, **changes)
        await store.hear(*(offer(therapist) for _ in range(6)))
        urgent = world.match(therapist, priority=3)
        await store.hear(urgent)
        assert await told(store, urgent) == ["AppointmentBooked"]


async def test_for_somebody_on_the_waiting_list_an_hour_is_kept_though_it_is_the_last(
    store: Store,
) -> None:
    therapist = await world.add_therapist(store, ONE_HOUR, horizon=5, weekly_limit=1)
    of_the_list, next_one = offer(therapist, last_too=True), offer(therapist, last_too=True)
    await store.hear(of_the_list)
    await store.hear(next_one)
    assert await told(store, of_the_list) == ["AppointmentHeld"]
    assert await told(store, next_one) == []
    await store.hear(choice(of_the_list))
    assert await told(store, of_the_list) == ["AppointmentHeld", "AppointmentBooked"]


async def test_in_one_batch_whoever_is_booked_comes_before_whoever_chooses(store: Store) -> None:
    therapist = await world.add_therapist(store, TWO_HOURS, buffer=0, horizon=5)
    chooses, comes = offer(therapist, priority=3), world.match(therapist)
    await store.hear(chooses, comes)
    assert await told(store, comes) == ["AppointmentBooked"]
    assert await told(store, chooses) == []


async def test_at_most_a_quarter_of_the_places_is_kept_at_once(store: Store) -> None:
    therapist = await world.add_therapist(store, weekly_limit=9)
    await store.hear(*(offer(therapist) for _ in range(3)))
    await store.hear(*(offer(therapist) for _ in range(3)))
    kept = await store.said(AppointmentHeld)
    assert len(kept) == 2
    store.now = kept[0].held_until
    await store.hear(offer(therapist, expires_at=store.now + ANSWER))
    assert len(await store.said(AppointmentHeld)) == 3


async def test_without_an_hour_to_spare_the_offer_stands_and_its_choice_is_sought_for(store: Store) -> None:
    therapist = await world.add_therapist(store, weekly_limit=1)
    made = offer(therapist)
    await store.hear(made)
    assert await told(store, made) == []
    await store.hear(choice(made))
    assert await told(store, made) == ["AppointmentBooked"]


async def test_an_offer_whose_time_is_up_or_that_names_none_keeps_nothing(store: Store) -> None:
    therapist = await world.add_therapist(store)
    for until in (NOW, NOW - timedelta(days=1), None):
        made = offer(therapist, expires_at=until)
        await store.hear(made)
        assert await told(store, made) == []
        await store.hear(choice(made))
        assert await told(store, made) == ["AppointmentBooked"]


async def test_the_next_attempt_ends_what_was_kept_before_and_a_lower_one_nothing(store: Store) -> None:
    therapist = await world.add_therapist(store)
    first = offer(therapist)
    kept = await held(store, first)
    second = first.model_copy(update={"attempt": 2, "match_id": world.match(therapist).match_id})
    await store.hear(second)
    assert await told(store, first) == ["AppointmentHeld", "AppointmentReleased", "AppointmentHeld"]
    await store.hear(choice(first))
    await store.hear(world.withdrawal(first))
    assert len(await told(store, first)) == 3
    await store.hear(choice(second))
    (booked,) = await store.said(AppointmentBooked)
    assert booked.appointment_id != kept.appointment_id
    assert booked.attempt == 2


async def test_whose_request_was_withdrawn_before_it_was_read_has_nothing_kept(store: Store) -> None:
    made = offer(await world.add_therapist(store))
    await store.hear(world.withdrawal(made))
    await store.hear(made)
    assert await told(store, made) == []


async def test_a_choice_after_consent_was_taken_back_waits_and_books_when_it_is_given_again(
    store: Store,
) -> None:
    made = offer(await world.add_therapist(store))
    kept = await held(store, made)
    consent = {"person_id": made.attendees[0].person_id, "case_ids": (made.case_id,), "purpose": "care"}
    usual: dict[str, Any] = consent | {"text_version": "1"}
    await store.hear(ConsentChanged(**usual, state="withdrawn", changed_at=NOW))
    await store.hear(choice(made))
    assert await told(store, made, AppointmentBooked) == []
    await store.hear(ConsentChanged(**usual, state="given", changed_at=NOW + timedelta(minutes=1)))
    assert [one.appointment_id for one in await store.said(AppointmentBooked)] == [kept.appointment_id]


async def test_staff_give_such_an_hour_back_but_take_it_for_nobody(store: Store) -> None:
    made = offer(await world.add_therapist(store))
    kept = await held(store, made)
    async with store.transaction() as tx:
        shown = await holding.show(tx, kept.appointment_id, test_holds.COORDINATOR)
    assert shown.take_by == kept.take_by
    assert await test_holds.refused(test_holds.confirm(store, shown)) == "offered_to_person"
    await test_holds.give_back(store, shown)
    assert [one.reason for one in await store.said(AppointmentReleased)] == ["given_back"]
    await store.hear(choice(made))
    assert len(await store.said(AppointmentBooked)) == 1


async def test_the_choice_and_the_end_of_its_time_at_once_have_one_winner(store: Store) -> None:
    therapist = await world.add_therapist(store, weekly_limit=40)
    for moment in (timedelta(seconds=-1), timedelta()):
        store.now = NOW
        made = offer(therapist)
        kept = await held(store, made)
        store.now = kept.held_until + moment
        await all_at_once([store.hear(choice(made)), comes_due(store, kept)])
        (booked,) = await store.said(AppointmentBooked, case_id=made.case_id)
        released = await store.said(AppointmentReleased, case_id=made.case_id)
        assert (booked.appointment_id == kept.appointment_id) == (released == [])
        assert (released == []) == (moment < timedelta())


async def test_many_who_choose_and_many_who_come_never_share_an_hour(store: Store) -> None:
    therapists = [await world.add_therapist(store, weekly_limit=8, horizon=5) for _ in range(3)]
    offers = [offer(*therapists[one % 3 :], *therapists[: one % 3]) for one in range(12)]
    await all_at_once(store.hear(one) for one in offers)
    kept = {one.case_id: one for one in await store.said(AppointmentHeld)}
    assert len(kept) == 6  # two of each
    coming = [store.hear(world.match(therapists[one % 3])) for one in range(12)]
    await all_at_once([*coming, *(store.hear(choice(one)) for one in offers)])
    booked = {one.case_id: one for one in await store.said(AppointmentBooked)}
    for case_id, one in kept.items():
        if booked[case_id].therapist_id == one.therapist_id:
            assert minute_of(booked[case_id].start) == minute_of(one.start)
    assert await store.wrong() == []
