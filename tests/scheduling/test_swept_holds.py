"""A hold ends while somebody who came before its end waits for its locks: what was taken from it is not booked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.scheduling.domain.holds import Hold
from services.scheduling.domain.refusals import Refused
from shared.contracts.matching import MatchMade
from shared.contracts.scheduling import AppointmentBooked, AppointmentReleased
from tests.scheduling import test_holds, world
from tests.scheduling.reference import rule
from tests.scheduling.store import Store
from tests.scheduling.test_offers import choice, held, offer
from tests.scheduling.test_racing import stranger, until_it_waits

A_MOMENT = timedelta(milliseconds=50)
AFTERNOON = ("12:00", "17:00")


@dataclass(frozen=True, slots=True)
class Clinic:
    """Two therapists who share the only room of a site."""

    site: UUID
    therapist: UUID
    other: UUID

    def who_sweeps(self, resource: str, person: UUID, start: datetime) -> MatchMade:
        """Somebody who wants the hour, and of what is kept locks only this."""
        here, elsewhere = (self.therapist, self.site), (self.other, self.site)
        wished: dict[str, Any] = {"earliest": start, "latest": start + timedelta(hours=1)}
        match resource:
            case "therapist":
                return world.match(self.therapist, **wished)
            case "room":
                return world.match(elsewhere, **wished)
            case "person":
                (attendee,) = world.match(self.other).attendees
                same = (attendee.model_copy(update={"person_id": person}),)
                return world.match(self.other, attendees=same, **wished)
        return world.match(here, **wished)  # therapist and room


async def clinic(store: Store) -> Clinic:
    site = await world.add_site(store)
    week = [rule(day, *AFTERNOON, at) for day in (1, 2) for at in (None, site)]
    usual: dict[str, Any] = {"buffer": 0, "notice": 0, "horizon": 5}
    return Clinic(site, *[await world.add_therapist(store, week, **usual) for _ in range(2)])


@asynccontextmanager
async def kept_waiting(store: Store, case_id: UUID, work: Any) -> AsyncIterator[None]:
    """The work begins, and waits for its case until the block is left and it has ended."""
    async with stranger(store) as first:
        await first.execute("SELECT FROM scheduling.case_fences WHERE case_id = $1 FOR UPDATE", case_id)
        waits = asyncio.create_task(work)
        await until_it_waits(store, waits, first.get_server_pid())
        yield
        await first.execute("ROLLBACK")
        await waits


async def kept_by_staff(store: Store, at: Clinic) -> tuple[MatchMade, Hold]:
    case = await test_holds.given_back(store)
    in_person: dict[str, Any] = {"modality": "in_person", "site_id": at.site}
    return case, await test_holds.hold(store, test_holds.wanted(case, at.therapist, **in_person))


async def answer(work: Any) -> str:
    try:
        return str((await work).state)
    except Refused as refusal:
        return refusal.code


@pytest.mark.parametrize("resource", ["therapist", "room", "person", "therapist and room"])
async def test_a_hold_is_not_confirmed_after_somebody_has_taken_part_of_it(
    store: Store, resource: str
) -> None:
    at = await clinic(store)
    case, kept = await kept_by_staff(store, at)
    answers: list[str] = []

    async def confirm() -> None:
        answers.append(await answer(test_holds.confirm(store, kept)))

    store.now = kept.held_until - A_MOMENT
    async with kept_waiting(store, case.case_id, confirm()):
        store.now = kept.held_until
        sweeps = at.who_sweeps(resource, case.attendees[0].person_id, test_holds.NOON)
        await store.hear(sweeps)
    assert [one.start for one in await store.said(AppointmentBooked, case_id=sweeps.case_id)] == [
        test_holds.NOON
    ]
    assert answers == ["hold_expired"]
    said = await store.said(AppointmentBooked, case_id=case.case_id)
    assert kept.id not in [one.appointment_id for one in said]
    await test_holds.comes_due(store, kept)
    assert [one.reason for one in await store.said(AppointmentReleased)] == ["expired"]


@pytest.mark.parametrize("resource", ["therapist", "room", "person", "therapist and room"])
async def test_a_choice_whose_hour_was_taken_while_it_waited_gets_another(
    store: Store, resource: str
) -> None:
    at = await clinic(store)
    made = offer((at.therapist, at.site))
    kept = await held(store, made)
    store.now = kept.held_until - A_MOMENT
    async with kept_waiting(store, made.case_id, store.hear(choice(made))):
        store.now = kept.held_until
        sweeps = at.who_sweeps(resource, made.attendees[0].person_id, kept.start)
        await store.hear(sweeps)
    assert [one.start for one in await store.said(AppointmentBooked, case_id=sweeps.case_id)] == [kept.start]
    (booked,) = await store.said(AppointmentBooked, case_id=made.case_id)
    assert booked.appointment_id != kept.appointment_id
    assert booked.start != kept.start
    assert [one.reason for one in await store.said(AppointmentReleased)] == ["expired"]


async def test_a_hold_is_confirmed_though_its_time_ends_while_it_waits_if_nobody_has_taken_it(
    store: Store,
) -> None:
    at = await clinic(store)
    case, kept = await kept_by_staff(store, at)
    store.now = kept.held_until - A_MOMENT
    async with kept_waiting(store, case.case_id, test_holds.confirm(store, kept)):
        store.now = kept.held_until
    await store.hear(at.who_sweeps("therapist", case.attendees[0].person_id, test_holds.NOON))
    assert [one.appointment_id for one in await store.said(AppointmentBooked)][1] == kept.id


@pytest.mark.parametrize("resource", ["therapist", "room", "person"])
async def test_a_hold_that_was_swept_is_given_back_once_and_leaves_nothing(
    store: Store, resource: str
) -> None:
    at = await clinic(store)
    case, kept = await kept_by_staff(store, at)
    store.now = kept.held_until - A_MOMENT
    async with kept_waiting(store, case.case_id, test_holds.give_back(store, kept)):
        store.now = kept.held_until
        await store.hear(at.who_sweeps(resource, case.attendees[0].person_id, test_holds.NOON))
    assert [one.reason for one in await store.said(AppointmentReleased)] == ["expired"]
    left = await store.rows("SELECT FROM scheduling.reservations WHERE appointment_id = $1", kept.id)
    assert left == []
