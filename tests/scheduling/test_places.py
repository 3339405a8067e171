"""Sites, rooms and calendars: written once, refused field by field, and never taking back what is booked."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.scheduling.domain.calendars import Calendar
from services.scheduling.domain.refusals import Refused
from services.scheduling.handlers import places
from services.scheduling.repository import roster
from services.scheduling.repository.places import Room
from shared.contracts.scheduling import AppointmentBooked, AppointmentCancelled, SiteChanged, SlotNotFound
from tests.scheduling import world
from tests.scheduling.reference import rule
from tests.scheduling.store import NOW, Store

CLOSED = replace(world.SITE, status="closed")
FRIDAY = NOW + timedelta(days=4)


async def save(store: Store, write: Any, *what: Any) -> Any:
    """What a use case of places answers, in a transaction of its own."""
    async with store.transaction() as tx:
        return await write(tx, *what)


async def refused(store: Store, write: Any, *what: Any) -> list[tuple[str, str]]:
    """The fields it names, or its code; that nothing was written is checked here."""
    before = await store.state()
    with pytest.raises(Refused) as refusal:
        await save(store, write, *what)
    assert await store.state() == before
    faults = [(fault.pointer, fault.code) for fault in refusal.value.faults]
    return faults or [("", refusal.value.code)]


async def room_of(store: Store, site: UUID) -> UUID:
    """The first room of a site."""
    (row, *_) = await store.rows("SELECT room_id FROM scheduling.rooms WHERE site_id = $1", site)
    found: UUID = row["room_id"]
    return found


async def at_site(store: Store, rooms: int = 1) -> tuple[UUID, UUID]:
    """A site, and a therapist who sees people there on Mondays and Tuesdays."""
    site = await world.add_site(store, rooms)
    return site, await world.add_therapist(store, [rule(day, "09:00", "17:00", site) for day in (1, 2)])


async def test_a_site_is_told_once_and_the_same_again_changes_nothing(store: Store) -> None:
    site = uuid4()
    assert await save(store, places.save_site, site, world.SITE, None) == 1
    before = await store.state()
    for seen in (None, 1, 7):
        assert await save(store, places.save_site, site, world.SITE, seen) == 1
    assert await store.state() == before
    (said,) = await store.said(SiteChanged)
    told = said.model_dump(exclude={"site_id", "changed_at"})
    assert told == {name: getattr(world.SITE, name) for name in told}
    assert (said.site_id, said.changed_at) == (site, NOW)


async def test_a_site_is_changed_only_by_who_has_seen_how_it_stands(store: Store) -> None:
    site = await world.add_site(store)
    assert await refused(store, places.save_site, site, CLOSED, None) == [("", "version_missing")]
    assert await refused(store, places.save_site, site, CLOSED, 2) == [("", "stale_version")]
    assert await save(store, places.save_site, site, CLOSED, 1) == 2
    assert [one.status for one in await store.said(SiteChanged)] == ["open", "closed"]
    assert await save(store, places.show_site, site) == (CLOSED, 2)


async def test_a_site_in_no_known_zone_is_refused(store: Store) -> None:
    nowhere = replace(world.SITE, time_zone="Asia/Lahore")
    assert await refused(store, places.save_site, uuid4(), nowhere, None) == [("/time_zone", "unknown_zone")]


async def test_a_room_is_at_a_site_that_exists_and_stays_there(store: Store) -> None:
    room, first, second = uuid4(), await world.add_site(store, 0), await world.add_site(store, 0)
    assert await refused(store, places.save_room, room, Room(uuid4(), "open"), None) == [
        ("/site_id", "unknown_site")
    ]
    assert await save(store, places.save_room, room, Room(first, "open"), None) == 1
    assert await save(store, places.save_room, room, Room(first, "open"), 9) == 1
    assert await refused(store, places.save_room, room, Room(second, "open"), 1) == [
        ("/site_id", "cannot_change")
    ]
    assert await refused(store, places.save_room, room, Room(first, "closed"), None) == [
        ("", "version_missing")
    ]
    assert await save(store, places.save_room, room, Room(first, "closed"), 1) == 2
    assert await save(store, places.show_room, room) == (Room(first, "closed"), 2)


@pytest.mark.parametrize("show", [places.show_site, places.show_room, places.show_calendar])
async def test_what_is_not_there_is_not_found(store: Store, show: Any) -> None:
    assert await refused(store, show, uuid4()) == [("", "not_found")]


async def test_a_closed_room_takes_no_new_booking_and_keeps_what_it_has(store: Store) -> None:
    site, therapist = await at_site(store)
    await store.hear(world.match((therapist, site)))
    room = await room_of(store, site)
    await save(store, places.save_room, room, Room(site, "closed"), 1)
    await store.hear(world.match((therapist, site)))
    assert [one.reason for one in await store.said(SlotNotFound)] == ["no_hour"]
    await save(store, places.save_room, room, Room(site, "open"), 2)
    await store.hear(world.match((therapist, site)))
    assert [one.room_id for one in await store.said(AppointmentBooked)] == [room, room]
    assert await store.said(AppointmentCancelled) == []


async def test_the_other_room_is_taken_when_one_is_closed(store: Store) -> None:
    site, therapist = await at_site(store, rooms=2)
    closed = await room_of(store, site)
    await save(store, places.save_room, closed, Room(site, "closed"), 1)
    await store.hear(world.match((therapist, site)))
    (booked,) = await store.said(AppointmentBooked)
    assert booked.room_id not in (None, closed)


async def test_a_closed_site_takes_no_new_booking_and_keeps_what_it_has(store: Store) -> None:
    site, therapist = await at_site(store)
    await store.hear(world.match((therapist, site)))
    await save(store, places.save_site, site, CLOSED, 1)
    await store.hear(world.match((therapist, site)))
    assert len(await store.said(SlotNotFound)) == len(await store.said(AppointmentBooked)) == 1
    assert await store.said(AppointmentCancelled) == []


async def test_every_fault_of_a_calendar_is_named_and_nothing_is_written(store: Store) -> None:
    site, nowhere = await world.add_site(store), uuid4()
    rules = [
        rule(1, "09:10", "10:00"),
        rule(1, "12:00", "12:00"),
        replace(rule(2, "09:00", "10:00"), site_id=site),
        replace(rule(3, "09:00", "10:00", site), site_id=None),
        rule(3, "09:00", "10:00", nowhere),
        rule(4, "09:00", "12:00"),
        rule(4, "11:45", "13:00"),
        rule(4, "11:00", "13:00", site),
    ]
    wrong = world.calendar(uuid4(), rules, time_zone="Mars/Olympus")
    assert await refused(store, places.save_calendar, wrong, None) == [
        ("/time_zone", "unknown_zone"),
        ("/rules/0/start", "off_grid"),
        ("/rules/1/end", "end_before_start"),
        ("/rules/2/site_id", "not_allowed"),
        ("/rules/3/site_id", "missing"),
        ("/rules/4/site_id", "unknown_site"),
        ("/rules/4", "overlapping_rules"),
        ("/rules/6", "overlapping_rules"),
    ]


async def test_the_same_calendar_again_changes_nothing_and_a_change_names_what_was_seen(store: Store) -> None:
    therapist = uuid4()
    wanted = world.calendar(therapist)
    assert (await save(store, places.save_calendar, wanted, None)).version == 1
    before = await store.state()
    assert (await save(store, places.save_calendar, wanted, 5)).version == 1
    assert await store.state() == before
    other = world.calendar(therapist, buffer=20)
    assert await refused(store, places.save_calendar, other, None) == [("", "version_missing")]
    assert await refused(store, places.save_calendar, other, 2) == [("", "stale_version")]
    assert (await save(store, places.save_calendar, other, 1)).version == 2
    shown: Calendar = await save(store, places.show_calendar, therapist)
    assert (shown.version, shown.buffer, shown.rules) == (2, 20, other.rules)


async def test_a_calendar_that_changes_touches_nothing_that_is_booked(store: Store) -> None:
    therapist = await world.add_therapist(store)
    before = world.match(therapist)
    await store.hear(before)
    booked = await store.state()
    evenings = world.calendar(
        therapist, [rule(2, "18:00", "20:00")], buffer=30, time_zone="Europe/London", notice=0, horizon=7
    )
    await save(store, places.save_calendar, evenings, 1)
    now = await store.state()
    for name in ("appointments", "reservations", "weekly_load", "outbox"):
        assert now[name] == booked[name]
    await store.hear(world.match(therapist))
    assert [world.local(one.start) for one in await store.said(AppointmentBooked)] == [
        "Mon 12:00",
        "Tue 23:00",
    ]
    await store.hear(world.withdrawal(before))
    used = await store.rows("SELECT sum(used) AS used FROM scheduling.weekly_load")
    assert used == [{"used": 1}]


async def test_a_calendar_without_rules_offers_nothing(store: Store) -> None:
    therapist = await world.add_therapist(store)
    empty = replace(world.calendar(therapist), rules=())
    await save(store, places.save_calendar, empty, 1)
    await store.hear(world.match(therapist))
    assert [one.reason for one in await store.said(SlotNotFound)] == ["no_hour"]
    assert (await save(store, places.show_calendar, therapist)).rules == ()


async def test_a_wider_buffer_later_still_leaves_older_bookings_alone(store: Store) -> None:
    therapist = await world.add_therapist(store, [rule(1, "12:00", "15:00")])
    first = world.match(therapist)
    await store.hear(first)
    await save(
        store, places.save_calendar, world.calendar(therapist, [rule(1, "12:00", "15:00")], buffer=30), 1
    )
    await store.hear(world.match(therapist, latest=FRIDAY))
    rows = await store.rows(
        "SELECT during FROM scheduling.reservations WHERE resource_id = $1 ORDER BY during", therapist
    )
    spans = [(world.local(row["during"].lower), world.local(row["during"].upper)) for row in rows]
    assert spans == [("Mon 11:50", "Mon 13:00"), ("Mon 13:00", "Mon 14:50")]


async def test_what_is_written_twice_at_once_is_written_once(store: Store) -> None:
    site = uuid4()
    async with store.transaction() as first:
        assert await places.save_site(first, site, world.SITE, None) == 1
        blocked = await store.rows("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", str(site))
        assert blocked == [{"pg_try_advisory_lock": False}]  # the second one waits, and then sees the first
    assert await save(store, places.save_site, site, world.SITE, None) == 1
    assert len(await store.said(SiteChanged)) == 1


async def test_looking_at_one_calendar_never_takes_it_away_from_who_books(store: Store) -> None:
    unread, looked_at = await world.add_therapist(store), await world.add_therapist(store)
    done = asyncio.Event()

    async def look() -> None:
        async with store.transaction() as tx:
            while not done.is_set():
                assert await roster.read_calendar(tx, looked_at) is not None

    async def book() -> None:
        async with store.transaction() as tx:
            for _ in range(100):
                roster._known.pop(unread, None)  # as in a process that has not read this version yet
                read = await roster.read(tx, [unread, looked_at])
                assert all(one.calendar is not None for one in read.values())
        done.set()

    async with asyncio.TaskGroup() as both:
        both.create_task(look())
        both.create_task(book())
