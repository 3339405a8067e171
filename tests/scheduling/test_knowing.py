"""What others tell first or later: unknown therapists are waited for, and consent that ends stops bookings."""

from datetime import timedelta
from itertools import permutations
from uuid import UUID, uuid4

import pytest

from services.scheduling.handlers import places
from shared.contracts.intake import ConsentChanged
from shared.contracts.matching import MatchMade
from shared.contracts.scheduling import AppointmentBooked, AppointmentCancelled, SlotNotFound
from tests.scheduling import world
from tests.scheduling.store import NOW, Store

FRIDAY = NOW + timedelta(days=4)


def consent(made: MatchMade, state: str, *, minutes: int = 0, purpose: str = "care") -> ConsentChanged:
    """What a person says to a purpose, minutes after now."""
    at = NOW + timedelta(minutes=minutes)
    return ConsentChanged(
        person_id=made.attendees[0].person_id, case_ids=(made.case_id,), purpose=purpose,
        state="withdrawn" if state == "withdrawn" else "given", text_version="1", changed_at=at,
    )  # fmt: skip


async def with_calendar(store: Store) -> UUID:
    """A therapist whose calendar is here before matching tells of them."""
    therapist_id = uuid4()
    async with store.transaction() as tx:
        await places.save_calendar(tx, world.calendar(therapist_id), None)
    return therapist_id


async def booked(store: Store) -> set[UUID]:
    """The cases that have an appointment."""
    rows = await store.rows("SELECT case_id FROM scheduling.appointments WHERE state = 'booked'")
    return {row["case_id"] for row in rows}


async def test_a_match_waits_for_a_therapist_nobody_has_told_of_and_is_booked_when_they_do(
    store: Store,
) -> None:
    therapist = await with_calendar(store)
    made = world.match(therapist)
    await store.hear(made)
    assert await store.said() == []
    assert await store.count("waiting") == 1
    await store.hear(world.therapist(therapist))
    (said,) = await store.said()
    assert (said.case_id, said.therapist_id, world.local(said.start)) == (
        made.case_id,
        therapist,
        "Mon 12:00",
    )
    assert await store.count("waiting") == 0


async def test_a_match_waits_until_all_of_its_candidates_are_known(store: Store) -> None:
    first, second = await with_calendar(store), await with_calendar(store)
    await store.hear(world.match(first, second))
    await store.hear(world.therapist(second))
    assert await store.said() == []
    await store.hear(world.therapist(first))
    (said,) = await store.said()
    assert said.therapist_id == first


async def test_the_others_of_a_batch_do_not_wait_with_the_one_that_does(store: Store) -> None:
    known, unknown = await world.add_therapist(store), await with_calendar(store)
    ready, waits = world.match(known), world.match(unknown, known)
    await store.hear(waits, ready)
    assert await booked(store) == {ready.case_id}
    await store.hear(world.therapist(unknown))
    assert await booked(store) == {ready.case_id, waits.case_id}


async def test_a_match_that_is_withdrawn_while_it_waits_books_nothing(store: Store) -> None:
    therapist = await with_calendar(store)
    made = world.match(therapist)
    await store.hear(made)
    await store.hear(world.withdrawal(made))
    await store.hear(world.therapist(therapist))
    assert await store.said() == []
    assert await store.count("waiting") == 0


async def test_what_a_case_has_stands_until_its_next_attempt_can_be_decided(store: Store) -> None:
    known, unknown = await world.add_therapist(store), await with_calendar(store)
    older = world.match(known)
    await store.hear(older)
    await store.hear(world.match(unknown, case_id=older.case_id, attempt=2, attendees=older.attendees))
    assert await booked(store) == {older.case_id}
    await store.hear(world.therapist(unknown))
    assert [one.attempt for one in await store.said(AppointmentBooked)] == [1, 2]
    assert [one.attempt for one in await store.said(AppointmentCancelled)] == [1]


async def test_attempts_of_both_lanes_that_waited_together_become_one_appointment(store: Store) -> None:
    site = await world.add_site(store)
    therapist = await with_calendar(store)
    older = world.match((therapist, site))
    newer = world.match(therapist, case_id=older.case_id, attempt=2, attendees=older.attendees)
    await store.hear(newer)
    await store.hear(older)
    await store.hear(world.therapist(therapist))
    assert [one.attempt for one in await store.said(AppointmentBooked)] == [2]
    assert await store.said(AppointmentCancelled, SlotNotFound) == []


async def test_later_news_of_a_therapist_stand_and_older_ones_change_nothing(store: Store) -> None:
    therapist = await world.add_therapist(store)
    await store.hear(world.therapist(therapist, weekly_limit=1, changed_at=NOW))
    before = await store.rows("SELECT * FROM scheduling.therapists")
    await store.hear(
        world.therapist(therapist, weekly_limit=9, status="left", changed_at=NOW - timedelta(hours=1))
    )
    assert await store.rows("SELECT * FROM scheduling.therapists") == before
    await store.hear(*(world.match(therapist, latest=FRIDAY) for _ in range(2)))
    assert len(await booked(store)) == 1


async def test_a_raised_limit_opens_a_week_that_was_full(store: Store) -> None:
    therapist = await world.add_therapist(store, weekly_limit=1)
    await store.hear(*(world.match(therapist, latest=FRIDAY) for _ in range(2)))
    await store.hear(world.therapist(therapist, weekly_limit=2, changed_at=NOW))
    await store.hear(world.match(therapist, latest=FRIDAY))
    assert await store.rows("SELECT used, most FROM scheduling.weekly_load") == [{"used": 2, "most": 2}]
    assert len(await store.said(SlotNotFound)) == 1


async def test_a_lowered_limit_holds_again_once_hours_are_given_back(store: Store) -> None:
    therapist = await world.add_therapist(store)
    matches = [world.match(therapist, latest=FRIDAY) for _ in range(3)]
    await store.hear(*matches)
    await store.hear(world.therapist(therapist, weekly_limit=1, changed_at=NOW))
    seen = []
    for made in matches:
        await store.hear(world.withdrawal(made))
        seen += await store.rows("SELECT used, most FROM scheduling.weekly_load")
    assert seen == [{"used": 2, "most": 2}, {"used": 1, "most": 1}, {"used": 0, "most": 1}]


async def test_therapists_who_leave_keep_what_is_booked_and_get_nothing_new(store: Store) -> None:
    therapist, other = await world.add_therapist(store), await world.add_therapist(store)
    before = world.match(therapist)
    await store.hear(before)
    await store.hear(world.therapist(therapist, status="left", changed_at=NOW))
    await store.hear(world.match(therapist, other))
    assert [one.therapist_id for one in await store.said(AppointmentBooked)] == [therapist, other]
    assert await store.said(AppointmentCancelled) == []


async def test_the_organisation_of_a_booking_is_that_of_its_moment(store: Store) -> None:
    therapist = await world.add_therapist(store)
    made = world.match(therapist)
    await store.hear(made)
    await store.hear(world.therapist(therapist, organisation="humqadam-network", changed_at=NOW))
    await store.hear(world.match(therapist), world.withdrawal(made))
    assert [one.organisation for one in await store.said(AppointmentBooked)] == [
        "rehmat-hospital",
        "humqadam-network",
    ]
    assert [one.organisation for one in await store.said(AppointmentCancelled)] == ["rehmat-hospital"]


async def test_consent_taken_back_stops_bookings_until_it_is_given_again(store: Store) -> None:
    therapist = await world.add_therapist(store)
    made = world.match(therapist)
    await store.hear(consent(made, "withdrawn"))
    await store.hear(made)
    assert await store.said() == []
    (step,) = await store.rows(
        "SELECT step, waits_for FROM scheduling.journey WHERE case_id = $1", made.case_id
    )
    assert (step["step"], step["waits_for"]) == ("care_stopped", "consent")
    await store.hear(consent(made, "given", minutes=5))
    assert await booked(store) == {made.case_id}
    assert await store.rows("SELECT * FROM scheduling.journey WHERE step = 'care_stopped'") == []


async def test_consent_taken_back_leaves_the_hour_to_the_withdrawal_that_follows(store: Store) -> None:
    therapist = await world.add_therapist(store)
    made = world.match(therapist)
    await store.hear(made)
    await store.hear(consent(made, "withdrawn"))
    assert await booked(store) == {made.case_id}
    again = world.match(therapist, case_id=made.case_id, attempt=2, attendees=made.attendees)
    await store.hear(again)
    await store.hear(world.withdrawal(again, reason="consent_withdrawn"))
    assert await booked(store) == set()
    await store.hear(consent(made, "given", minutes=5))
    assert [one.attempt for one in await store.said(AppointmentBooked)] == [1]
    assert [one.reason for one in await store.said(AppointmentCancelled)] == ["consent_withdrawn"]


async def test_consent_to_something_else_stops_no_booking(store: Store) -> None:
    therapist = await world.add_therapist(store)
    made = world.match(therapist)
    await store.hear(consent(made, "withdrawn", purpose="research"))
    await store.hear(made)
    assert await booked(store) == {made.case_id}


@pytest.mark.parametrize("order", list(permutations(range(3)))[::2])
@pytest.mark.parametrize("together", [True, False])
async def test_of_what_a_person_said_the_latest_word_stands_in_any_order(
    store: Store, order: tuple[int, ...], together: bool
) -> None:
    therapist = await world.add_therapist(store)
    made = world.match(therapist)
    words = [consent(made, state, minutes=at) for at, state in enumerate(("given", "withdrawn", "given"))]
    heard = [words[place] for place in order]
    if together:
        await store.hear(made, *heard)
    else:
        for word in heard:
            await store.hear(word)
        await store.hear(made)
    assert await booked(store) == {made.case_id}
    await store.hear(consent(made, "withdrawn", minutes=9))
    await store.hear(words[2])
    (fence,) = await store.rows("SELECT care_stopped FROM scheduling.case_fences")
    assert fence["care_stopped"]


async def test_a_match_may_wait_for_consent_and_then_for_its_therapist(store: Store) -> None:
    therapist = await with_calendar(store)
    made = world.match(therapist)
    await store.hear(consent(made, "withdrawn"))
    await store.hear(made)
    await store.hear(world.therapist(therapist))
    assert await booked(store) == set()
    await store.hear(consent(made, "given", minutes=1))
    assert await booked(store) == {made.case_id}


async def test_consent_for_several_cases_stops_each_of_them(store: Store) -> None:
    therapist = await world.add_therapist(store)
    one, other, third = (world.match(therapist) for _ in range(3))
    both = consent(one, "withdrawn").model_copy(update={"case_ids": (other.case_id, one.case_id)})
    await store.hear(both)
    await store.hear(one, other, third)
    assert await booked(store) == {third.case_id}
    assert await store.count("waiting") == 2
