"""Sites, rooms and calendars as staff write them over HTTP. Writing the same again changes nothing."""

from dataclasses import replace
from uuid import UUID

from services.scheduling.domain.calendars import Calendar, Fault, faults, same_hours
from services.scheduling.domain.exceptions import Standing
from services.scheduling.domain.refusals import Refused, invalid, next_version
from services.scheduling.domain.wall_time import zone_names
from services.scheduling.handlers.capacity import may_have_risen
from services.scheduling.handlers.closing import may_have_closed
from services.scheduling.repository import (
    calendars,
    capacity,
    exceptions,
    holidays,
    places,
    resources,
    roster,
)
from services.scheduling.repository.places import Room, Site
from shared.contracts.scheduling import SiteChanged
from shared.messaging import Transaction


async def save_site(tx: Transaction, site_id: UUID, site: Site, seen: int | None) -> int:
    """The version that stands then; a site that is closed takes no new bookings. Raises Refused."""
    if site.time_zone not in zone_names():
        raise invalid([Fault("/time_zone", "unknown_zone", "not in the tz database")])
    await places.take_turn(tx, site_id)
    before, standing = await places.find_site(tx, site_id) or (None, None)
    version, changes = next_version(standing, seen, same=site == before)
    if changes:
        other_clock = before is not None and before.time_zone != site.time_zone
        if other_clock:
            await holidays.take_turn(tx)
        here, rooms = await capacity.seen_at(tx, site_id), await places.rooms_of(tx, site_id)
        await resources.lock(tx, {}, {*rooms, *here} if other_clock else set(rooms))
        await places.save_site(tx, site_id, site, version)
        if other_clock:  # calendars carry the closures of their sites, which are told by that clock
            await holidays.touch(tx, here)
        await may_have_risen(tx, here)
        await may_have_closed(tx, here)
        tx.emit([_changed(site_id, site, tx)])
    return version


async def save_room(tx: Transaction, room_id: UUID, room: Room, seen: int | None) -> int:
    """The version that stands then; a room stays at its site. Raises Refused."""
    if await places.find_site(tx, room.site_id) is None:
        raise invalid([Fault("/site_id", "unknown_site", "there is no such site")])
    await resources.lock(tx, resources.named(rooms=[room_id]))
    before, standing = await places.find_room(tx, room_id) or (None, None)
    if before and before.site_id != room.site_id:
        raise invalid([Fault("/site_id", "cannot_change", "a room stays where it is")])
    version, changes = next_version(standing, seen, same=room == before)
    if changes:
        await places.save_room(tx, room_id, room, version)
        here = await capacity.seen_at(tx, room.site_id)
        await may_have_risen(tx, here)
        await may_have_closed(tx, here)
    return version


async def save_calendar(tx: Transaction, wanted: Calendar, seen: int | None) -> Calendar:
    """The calendar that stands then; what is booked already stays. Raises Refused with every fault."""
    sites = {rule.site_id for rule in wanted.rules if rule.site_id}
    known = frozenset(await places.zones(tx, sites))
    if wrong := faults(wanted.time_zone, wanted.rules, known):
        raise invalid(wrong)
    await holidays.share_turn(tx)
    await resources.lock(tx, resources.named([wanted.therapist_id]))
    before = await roster.read_calendar(tx, wanted.therapist_id)
    version, changes = next_version(before.version if before else None, seen, same=same_hours(before, wanted))
    calendar = replace(wanted, version=version)
    if changes:
        await calendars.save(tx, calendar)
        await may_have_risen(tx, [wanted.therapist_id])
        await may_have_closed(tx, [wanted.therapist_id])
    return calendar


async def left_at_site(tx: Transaction, site_id: UUID) -> list[Standing]:
    """What is booked there and not over: when it closes that stays, and somebody has to see to it."""
    return await exceptions.booked(tx, await places.rooms_of(tx, site_id))


async def left_in_room(tx: Transaction, room_id: UUID) -> list[Standing]:
    """The same of one room."""
    return await exceptions.booked(tx, [room_id])


async def show_site(tx: Transaction, site_id: UUID) -> tuple[Site, int]:
    """A site and its version. Raises Refused."""
    if (found := await places.find_site(tx, site_id)) is None:
        raise Refused("not_found")
    return found


async def show_room(tx: Transaction, room_id: UUID) -> tuple[Room, int]:
    """A room and its version. Raises Refused."""
    if (found := await places.find_room(tx, room_id)) is None:
        raise Refused("not_found")
    return found


async def show_calendar(tx: Transaction, therapist_id: UUID) -> Calendar:
    """A calendar as it stands. Raises Refused."""
    if (found := await roster.read_calendar(tx, therapist_id)) is None:
        raise Refused("not_found")
    return found


def _changed(site_id: UUID, site: Site, tx: Transaction) -> SiteChanged:
    return SiteChanged(
        site_id=site_id,
        organisation=site.organisation,
        city=site.city,
        latitude=site.latitude,
        longitude=site.longitude,
        time_zone=site.time_zone,
        step_free=site.step_free,
        directions=site.directions,
        status="open" if site.status == "open" else "closed",
        changed_at=tx.now,
    )
