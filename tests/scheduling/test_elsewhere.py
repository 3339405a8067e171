"""An hour is held in another way, at another site or not at all: what it had is free at once, and said to be."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.scheduling.domain.appointments import Appointment, By
from services.scheduling.domain.changes import Caller, Move
from services.scheduling.domain.refusals import Refused
from services.scheduling.domain.wall_time import minute_of, moment_of
from services.scheduling.handlers import attending, changing
from services.scheduling.repository.turns import turns
from shared.contracts.scheduling import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentRescheduled,
    SlotFreed,
)
from tests.scheduling import world
from tests.scheduling.reference import rule
from tests.scheduling.rush import all_at_once
from tests.scheduling.store import Store
from tests.scheduling.test_changing import COORDINATOR, DESK, TUESDAY, book, cancel, refusal

WEEK = range(1, 6)


async def move(
    store: Store, hour: Any, who: Caller, start: datetime, seen: int = 1, **how: Any
) -> Appointment:
    async with store.transaction() as tx:
        wanted = Move(minute_of(start), **how)
        return await changing.reschedule(tx, hour.appointment_id, who, wanted, seen)


async def both_ways(store: Store, site: UUID) -> UUID:
    """A therapist who sees people online and at this site, all day long."""
    return await world.add_therapist(
        store, [rule(day, "09:00", "17:00", place) for day in WEEK for place in (None, site)]
    )


async def reserved(store: Store) -> set[UUID]:
    return {row["resource_id"] for row in await store.rows("SELECT resource_id FROM scheduling.reservations")}


async def test_an_hour_online_is_held_in_person_instead_with_a_room_and_the_same_id(store: Store) -> None:
    site = await world.add_site(store)
    therapist = await both_ways(store, site)
    hour, person = await book(store, therapist)
    there = await move(store, hour, person, TUESDAY, modality="in_person", site_id=site)
    (said,) = await store.said(AppointmentRescheduled)
    assert (said.appointment_id, said.version, said.lane, said.modality) == (
        hour.appointment_id, 2, "in_person", "in_person",
    )  # fmt: skip
    assert (said.site_id, said.room_id, said.previous_start) == (site, there.room_id, hour.start)
    assert await reserved(store) == {therapist, there.room_id, said.attendees[0].person_id}


async def test_at_the_very_same_time_an_hour_in_person_is_held_online_and_its_room_is_free(
    store: Store,
) -> None:
    site = await world.add_site(store)
    therapist, other = await both_ways(store, site), await both_ways(store, site)
    hour, person = await book(store, (therapist, site))
    there = await move(store, hour, person, hour.start, modality="video")
    assert (there.start, there.lane, there.site_id, there.room_id) == (
        minute_of(hour.start),
        "online",
        None,
        None,
    )
    again, _ = await book(store, (other, site))
    assert (again.start, again.room_id) == (hour.start, hour.room_id)
    assert await store.said(SlotFreed) == []  # the therapist has no more time than before


async def test_told_in_the_zone_of_the_site_where_it_is_held(store: Store) -> None:
    here = await world.add_site(store)
    there = await world.add_site(store, site=replace(world.SITE, time_zone="Asia/Dubai"))
    therapist = await world.add_therapist(
        store, [rule(1, "09:00", "17:00", here), rule(2, "09:00", "17:00", there)]
    )
    hour, person = await book(store, (therapist, here))
    moved = await move(store, hour, person, TUESDAY, site_id=there)
    assert (moved.site_id, moved.time_zone, moved.modality) == (there, "Asia/Dubai", "in_person")


async def test_only_another_way_to_meet_takes_nothing_new_and_goes_whatever_the_calendar_says_now(
    store: Store,
) -> None:
    therapist = await world.add_therapist(store)
    hour, person = await book(store, therapist)
    await store.hear(world.therapist(therapist, status="suspended", changed_at=hour.start))
    store.now = hour.start - timedelta(minutes=5)  # within the notice
    before = await store.rows("SELECT * FROM scheduling.reservations ORDER BY resource_id")
    there = await move(store, hour, person, hour.start, modality="phone")
    assert (there.modality, there.version, there.start) == ("phone", 2, minute_of(hour.start))
    assert await store.rows("SELECT * FROM scheduling.reservations ORDER BY resource_id") == before
    (said,) = await store.said(AppointmentRescheduled)
    assert (said.modality, said.start, said.previous_start) == ("phone", hour.start, hour.start)
    again = await move(store, hour, person, hour.start, seen=2, modality="phone")
    assert again == there
    assert len(await store.said(AppointmentRescheduled)) == 1


async def test_where_the_other_way_has_no_hour_the_nearest_that_have_are_told(store: Store) -> None:
    site = await world.add_site(store)
    therapist = await world.add_therapist(store, [rule(1, "09:00", "17:00"), rule(2, "09:00", "11:00", site)])
    hour, person = await book(store, therapist)
    wished = move(store, hour, person, hour.start, modality="in_person", site_id=site)
    refused = await refusal(store, wished)
    assert refused.code == "slot_taken"
    assert [world.local(moment_of(one)) for one in refused.alternatives] == [
        "Tue 09:00",
        "Tue 09:15",
        "Tue 09:30",
    ]
    there = moment_of(refused.alternatives[0])
    assert (await move(store, hour, person, there, modality="in_person", site_id=site)).room_id is not None


async def test_a_room_that_somebody_has_is_not_taken_by_a_change_of_the_way_to_meet(store: Store) -> None:
    site = await world.add_site(store)
    therapist, other = await both_ways(store, site), await both_ways(store, site)
    hour, person = await book(store, therapist)
    taken, _ = await book(store, (other, site))
    assert taken.start == hour.start
    wished = move(store, hour, person, hour.start, modality="in_person", site_id=site)
    assert (await refusal(store, wished)).code == "slot_taken"


@pytest.mark.parametrize(
    ("how", "field"),
    [
        ({"modality": "in_person"}, ("/site_id", "missing")),
        ({"site_id": uuid4()}, ("/site_id", "not_allowed")),
        ({"modality": "phone", "site_id": uuid4()}, ("/site_id", "not_allowed")),
        ({"modality": "in_person", "site_id": uuid4()}, ("/site_id", "unknown_site")),
        ({"by": "therapist"}, ("/by", "not_allowed")),
    ],
)
async def test_a_wish_that_cannot_be_names_the_field(store: Store, how: Any, field: tuple[str, str]) -> None:
    hour, person = await book(store, await world.add_therapist(store))
    refused = await refusal(store, move(store, hour, person, TUESDAY, **how))
    assert [(fault.pointer, fault.code) for fault in refused.faults] == [field]


@pytest.mark.parametrize(("who", "said", "told"), [(DESK, "person", "person"), (COORDINATOR, None, "clinic")])
async def test_staff_say_on_whose_wish_an_hour_is_moved_and_given_back(
    store: Store, who: Caller, said: By | None, told: str
) -> None:
    hour, _ = await book(store, await world.add_therapist(store))
    await move(store, hour, who, TUESDAY, by=said)
    async with store.transaction() as tx:
        await changing.cancel(tx, hour.appointment_id, who, "cannot_come", 2, said)
    changes = await store.said(AppointmentRescheduled, AppointmentCancelled)
    assert [one.by for one in changes] == [told, told]
    other, somebody = await book(store, await world.add_therapist(store))

    async def in_anothers_name() -> None:
        async with store.transaction() as tx:
            await changing.cancel(tx, other.appointment_id, somebody, "cannot_come", 1, "clinic")

    refused = await refusal(store, in_anothers_name())
    assert [(one.pointer, one.code) for one in refused.faults] == [("/by", "not_allowed")]


async def test_an_hour_ahead_that_is_given_back_or_moved_away_from_is_said_to_be_free(store: Store) -> None:
    site = await world.add_site(store)
    therapist = await both_ways(store, site)
    (gone, person), (moved, mover) = [await book(store, (therapist, site)) for _ in range(2)]
    await cancel(store, gone.appointment_id, person)
    await move(store, moved, mover, TUESDAY)
    freed = await store.said(SlotFreed)
    assert [(one.therapist_id, one.lane, one.site_id, one.start, one.end) for one in freed] == [
        (therapist, "in_person", site, one.start, one.end) for one in (gone, moved)
    ]
    assert {one.key for one in freed} == {str(therapist)}


async def test_a_shift_by_a_quarter_frees_no_hour(store: Store) -> None:
    hour, person = await book(store, await world.add_therapist(store))
    await move(store, hour, person, hour.start + timedelta(minutes=15))
    assert await store.said(SlotFreed) == []


async def test_a_withdrawal_gives_back_hours_ahead_and_none_that_has_begun(store: Store) -> None:
    therapist = await world.add_therapist(store)
    ahead, begun = world.match(therapist, earliest=TUESDAY), world.match(therapist)
    await store.hear(ahead, begun)
    hours = {one.case_id: one for one in await store.said(AppointmentBooked)}
    store.now = hours[begun.case_id].start
    await store.hear(world.withdrawal(ahead), world.withdrawal(begun))
    assert [one.case_id for one in await store.said(AppointmentCancelled)] == [ahead.case_id]
    assert [one.start for one in await store.said(SlotFreed)] == [hours[ahead.case_id].start]


async def test_an_hour_that_a_higher_attempt_takes_again_was_not_free(store: Store) -> None:
    therapist, other = await world.add_therapist(store), await world.add_therapist(store)
    made = world.match(therapist)
    await store.hear(made)
    same = made.model_copy(update={"attempt": 2})
    await store.hear(same)
    assert await store.said(SlotFreed) == []
    elsewhere = world.match(other, case_id=made.case_id, attempt=3, attendees=made.attendees)
    await store.hear(elsewhere)
    assert [one.therapist_id for one in await store.said(SlotFreed)] == [therapist]


async def test_nothing_is_freed_by_who_comes_or_does_not(store: Store) -> None:
    hour, _ = await book(store, await world.add_therapist(store))
    store.now = hour.start
    async with store.transaction() as tx:
        await attending.take_step(tx, hour.appointment_id, DESK, "no_show", 1)
    assert await store.said(SlotFreed) == []


async def test_of_many_who_want_the_last_room_at_once_one_gets_it_and_the_others_a_clear_answer(
    store: Store,
) -> None:
    site = await world.add_site(store)
    hours = [(await book(store, await both_ways(store, site)))[0] for _ in range(6)]
    wanted, in_turn = Move(minute_of(TUESDAY), "in_person", site), turns(store.database)

    async def change(hour: AppointmentBooked) -> str:
        try:
            await in_turn(lambda tx: changing.reschedule(tx, hour.appointment_id, COORDINATOR, wanted, 1))
        except Refused as refused:
            return refused.code
        return "moved"

    assert sorted(await all_at_once(map(change, hours))) == ["moved", *["slot_taken"] * 5]
    assert await store.wrong() == []
