"""An hour is kept, and its calendar closes it: nobody is booked then, and what may close is booked provisionally."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import uuid4

import orjson
import pytest

from services.scheduling.domain.holds import Hold
from services.scheduling.domain.holidays import Holiday
from services.scheduling.handlers import closing, closures, exceptions, holidays, knowing, places
from services.scheduling.repository.places import Room
from shared.contracts.matching import MatchMade
from shared.contracts.scheduling import AppointmentBooked, AppointmentReleased, SlotFreed, SlotNotFound
from shared.messaging import Due, Transaction
from tests.scheduling import world
from tests.scheduling.reference import rule
from tests.scheduling.store import Store
from tests.scheduling.test_exceptions import hours
from tests.scheduling.test_holds import NOON, confirm, give_back, given_back, hold, refused, wanted
from tests.scheduling.test_offers import choice, held, offer
from tests.scheduling.test_racing import meanwhile

Change = Callable[[Transaction], Awaitable[Any]]
CLOSING = ["holiday", "time off", "closure", "site", "room", "rules"]
TODAY, TOMORROW = date(2026, 11, 23), date(2026, 11, 24)
MAY_COME = Holiday("eid-2026", "Eid", TODAY, TODAY, "Asia/Karachi", "tentative", "", None)
COMES = replace(MAY_COME, status="confirmed", verified_on=TODAY)
DROPPED = replace(MAY_COME, status="cancelled")


class Day:
    """A therapist at a site who is there on Monday and Tuesday afternoon, and what may close the Monday."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def prepare(self) -> None:
        self.site = await world.add_site(self.store)
        self.rules = [rule(day, "12:00", "17:00", self.site) for day in (1, 2)]
        self.therapist = await world.add_therapist(self.store, self.rules, horizon=5, notice=0)
        (room,) = await self.store.rows("SELECT room_id FROM scheduling.rooms")
        self.room = room["room_id"]

    async def held(self, start: datetime = NOON) -> tuple[MatchMade, Hold]:
        """Kept by staff, on Monday at noon or later."""
        case = await given_back(self.store)
        at_the_site: dict[str, Any] = {"modality": "in_person", "site_id": self.site}
        return case, await hold(self.store, wanted(case, self.therapist, start, **at_the_site))

    def closes(self, how: str) -> Change:
        off = hours("time_off", 0)
        closed = replace(off, lane="in_person", site_id=self.site)
        tuesday = world.calendar(self.therapist, self.rules[1:], horizon=5, notice=0)
        out = world.therapist(self.therapist, status="suspended", changed_at=self.store.now)
        changes: dict[str, Change] = {
            "holiday": partial(holidays.save, wanted=COMES, seen=None),
            "time off": partial(exceptions.save, therapist_id=self.therapist, wanted=off, seen=None),
            "closure": partial(closures.save, wanted=closed, seen=None),
            "site": partial(
                places.save_site, site_id=self.site, site=replace(world.SITE, status="closed"), seen=1
            ),
            "room": partial(places.save_room, room_id=self.room, room=Room(self.site, "closed"), seen=1),
            "suspension": lambda tx: knowing.record_therapists([out], tx),
            "rules": partial(places.save_calendar, wanted=tuesday, seen=1),
        }
        return changes[how]

    async def change(self, change: Change) -> None:
        async with self.store.transaction() as tx:
            await change(tx)


async def a_day(store: Store) -> Day:
    day = Day(store)
    await day.prepare()
    return day


@pytest.mark.parametrize("how", CLOSING)
async def test_a_hold_is_not_confirmed_when_its_hour_was_closed_meanwhile(store: Store, how: str) -> None:
    day = await a_day(store)
    _, kept = await day.held()
    await day.change(day.closes(how))
    before = await store.state()
    assert await refused(confirm(store, kept)) == "not_open"
    assert await store.state() == before
    assert (await give_back(store, kept)).reason == "given_back"


@pytest.mark.parametrize("how", CLOSING)
async def test_a_choice_whose_hour_was_closed_meanwhile_gets_one_that_is_open(store: Store, how: str) -> None:
    day = await a_day(store)
    made = offer((day.therapist, day.site))
    kept = await held(store, made)
    assert kept.start.date() == TODAY
    await day.change(day.closes(how))
    await store.hear(choice(made))
    assert [one.reason for one in await store.said(AppointmentReleased)] == ["superseded"]
    booked = [world.local(one.start)[:3] for one in await store.said(AppointmentBooked)]
    missed = [one.reason for one in await store.said(SlotNotFound)]
    assert (booked, missed) == (([], ["no_hour"]) if how in ("site", "room") else (["Tue"], []))


@pytest.mark.parametrize("how", CLOSING)
async def test_whoever_wished_just_the_hour_that_was_closed_is_given_no_other(store: Store, how: str) -> None:
    day = await a_day(store)
    kept = await held(store, made := offer((day.therapist, day.site)))
    await day.change(day.closes(how))
    await store.hear(choice(made).model_copy(update={"start": kept.start}))
    assert await store.said(AppointmentBooked) == []
    assert [one.reason for one in await store.said(AppointmentReleased)] == ["superseded"]
    assert [one.reason for one in await store.said(SlotNotFound)] == ["no_hour"]


@pytest.mark.parametrize("how", CLOSING)
async def test_whoever_chooses_while_the_hour_is_closed_gets_one_that_is_open(store: Store, how: str) -> None:
    day = await a_day(store)
    kept = await held(store, made := offer((day.therapist, day.site)))
    await meanwhile(store, day.closes(how), store.hear(choice(made)))
    assert kept.start not in [one.start for one in await store.said(AppointmentBooked)]


@pytest.mark.parametrize("status", ["suspended", "left"])
async def test_nobody_is_booked_with_whoever_was_suspended_while_their_hour_was_kept(
    store: Store, status: str
) -> None:
    day = await a_day(store)
    _, by_staff = await day.held()
    await held(store, made := offer((day.therapist, day.site)))
    await store.handle(
        knowing.record_therapists, [world.therapist(day.therapist, status=status, changed_at=store.now)]
    )
    before = len(await store.said(AppointmentBooked))
    assert await refused(confirm(store, by_staff)) == "not_open"
    await store.hear(choice(made))
    assert len(await store.said(AppointmentBooked)) == before
    assert len(await store.said(SlotNotFound, case_id=made.case_id)) == 1


async def closed_ones_come_due(store: Store) -> None:
    rows = await store.rows("DELETE FROM scheduling.due WHERE kind = 'hold_closed' RETURNING *")
    async with store.transaction() as tx:
        handler = closing.DUE_HANDLERS["hold_closed"]
        await handler(
            [Due("hold_closed", row["key"], row["at"], orjson.loads(row["body"])) for row in rows], tx
        )


@pytest.mark.parametrize("how", [*CLOSING, "suspension"])
async def test_an_offers_hour_that_is_closed_is_kept_no_more(store: Store, how: str) -> None:
    day = await a_day(store)
    kept = await held(store, offer((day.therapist, day.site)))
    await day.change(day.closes(how))
    await closed_ones_come_due(store)
    (released,) = await store.said(AppointmentReleased)
    assert (released.appointment_id, released.by, released.reason) == (
        kept.appointment_id,
        "system",
        "closed",
    )
    assert await store.said(SlotFreed) == []
    assert await store.wrong() == []


async def test_an_offers_hour_that_is_open_again_or_was_never_closed_stays_kept(store: Store) -> None:
    day = await a_day(store)
    await held(store, offer((day.therapist, day.site)))
    wednesday = hours("time_off", 2)
    for change in (
        partial(exceptions.save, therapist_id=day.therapist, wanted=wednesday, seen=None),
        day.closes("holiday"),
        partial(holidays.save, wanted=DROPPED, seen=1),
    ):
        await day.change(change)
    await closed_ones_come_due(store)
    assert await store.said(AppointmentReleased) == []


async def test_an_hour_that_was_taken_before_its_closing_was_looked_at_stays_booked(store: Store) -> None:
    day = await a_day(store)
    await held(store, made := offer((day.therapist, day.site)))
    await day.change(day.closes("holiday"))
    await day.change(partial(holidays.save, wanted=DROPPED, seen=1))
    await store.hear(choice(made))
    await closed_ones_come_due(store)
    assert len(await store.said(AppointmentBooked)) == 1
    assert await store.said(AppointmentReleased) == []


async def test_another_room_that_closes_takes_nobodys_hour(store: Store) -> None:
    day = await a_day(store)
    _, kept = await day.held()
    other = uuid4()
    await day.change(partial(places.save_room, room_id=other, room=Room(day.site, "open"), seen=None))
    await day.change(partial(places.save_room, room_id=other, room=Room(day.site, "closed"), seen=1))
    assert (await confirm(store, kept)).id == kept.id


async def test_an_hour_is_booked_as_certain_as_its_day_is_by_then(store: Store) -> None:
    day = await a_day(store)
    case, kept = await day.held()
    await day.change(partial(holidays.save, wanted=MAY_COME, seen=None))
    booked = await confirm(store, kept)
    assert (booked.why, booked.version) == ("may_be_holiday", kept.appointment.version + 1)
    made = offer((day.therapist, day.site))
    assert (await held(store, made)).certainty_reason == "may_be_holiday"
    await day.change(partial(holidays.save, wanted=DROPPED, seen=1))
    await store.hear(choice(made))
    told = [await store.said(AppointmentBooked, case_id=one.case_id) for one in (case, made)]
    assert [(one[-1].certainty, one[-1].certainty_reason) for one in told] == [
        ("provisional", "may_be_holiday"),
        ("firm", None),
    ]
    rows = await store.rows(
        "SELECT certainty, certainty_reason FROM scheduling.appointments WHERE case_id = $1", made.case_id
    )
    assert [tuple(row.values()) for row in rows] == [("firm", None)]
