"""Days on which a site takes nobody, as coordinators write them. What is booked stays, and is named."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from services.scheduling.domain.calendars import OtherHours
from services.scheduling.domain.exceptions import FARTHEST_DAYS, Standing, outside, same, unfitting
from services.scheduling.domain.refusals import Refused, check_seen, invalid, next_version
from services.scheduling.domain.wall_time import local_day, minute_after, moment_of
from services.scheduling.handlers.capacity import may_have_risen
from services.scheduling.handlers.closing import may_have_closed
from services.scheduling.repository import capacity, closures, holidays, places, resources, roster
from shared.messaging import Transaction

A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Closures as they stand, and the appointments at the site that nobody has open any more."""

    time_zone: str
    hours: Sequence[OtherHours]
    booked_outside: Sequence[Standing]


async def save(tx: Transaction, wanted: OtherHours, seen: int | None) -> Outcome:
    """Writes it whole; the same again changes nothing. Raises Refused with every fault."""
    zone, site_id = await _lock(tx, wanted.site_id), _site(wanted)
    before, withdrawn = await closures.find(tx, site_id, wanted.id) or (None, False)
    if withdrawn:
        raise Refused("already_withdrawn", "This one was taken back; a new one needs an id of its own.")
    if before is None or not same(before, wanted):
        coming = await closures.coming(tx, site_id, (tx.now - A_DAY).date())
        others = sum(one.id != wanted.id for one in coming)
        if wrong := unfitting(wanted, local_day(zone, minute_after(tx.now)), others):
            raise invalid(wrong)
        version, _ = next_version(before.version if before else None, seen, same=False)
        before = replace(wanted, version=version)
        await closures.save(tx, before)
        await _follow(tx, site_id)
    return Outcome(zone, [before], await _disturbed(tx, site_id))


async def withdraw(tx: Transaction, site_id: UUID, closure_id: UUID, seen: int | None) -> Outcome:
    """The site is open again; twice is once. Raises Refused."""
    zone = await _lock(tx, site_id)
    standing, withdrawn = await closures.find(tx, site_id, closure_id) or (None, False)
    if standing is None:
        raise Refused("not_found")
    if not withdrawn:
        check_seen(standing.version, seen)
        await closures.withdraw(tx, site_id, closure_id)
        await _follow(tx, site_id)
    return Outcome(zone, [], await _disturbed(tx, site_id))


async def show(tx: Transaction, site_id: UUID) -> Outcome:
    """All of a site that are not over. Raises Refused."""
    zone = await _zone(tx, site_id)
    return Outcome(zone, await closures.coming(tx, site_id, (tx.now - A_DAY).date()), [])


async def _lock(tx: Transaction, site_id: UUID | None) -> str:
    await holidays.take_turn(tx)
    return await _zone(tx, site_id)


async def _zone(tx: Transaction, site_id: UUID | None) -> str:
    if site_id is None or (found := (await places.zones(tx, [site_id])).get(site_id)) is None:
        raise Refused("not_found")
    return found


async def _follow(tx: Transaction, site_id: UUID) -> None:
    """Whoever has hours at the site has others now: nobody books with them meanwhile."""
    therapists = await capacity.seen_at(tx, site_id)
    await resources.lock(tx, {}, set(therapists))
    await holidays.touch(tx, therapists)
    await may_have_risen(tx, therapists)
    await may_have_closed(tx, therapists)


async def _disturbed(tx: Transaction, site_id: UUID) -> list[Standing]:
    known = await roster.read(tx, await capacity.seen_at(tx, site_id))
    until = moment_of(minute_after(tx.now)) + timedelta(days=FARTHEST_DAYS)
    booked = await holidays.booked(tx, list(known), tx.now, until)
    found: list[Standing] = []
    for who, therapist in known.items():
        if therapist.calendar is not None:
            here = [one for one in booked if one.therapist_id == who and one.site_id == site_id]
            found += outside(therapist.calendar, here)
    return sorted(found, key=lambda one: (one.start, one.id))


def _site(hours: OtherHours) -> UUID:
    assert hours.site_id is not None  # a closure is one of a site
    return hours.site_id
