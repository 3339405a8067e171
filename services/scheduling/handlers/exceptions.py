"""Time off and extra hours as therapists and coordinators write them. What is booked stays, and is named."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.scheduling.domain.calendars import Calendar, OtherHours
from services.scheduling.domain.exceptions import Standing, faults, outside, same
from services.scheduling.domain.refusals import Refused, check_seen, invalid, next_version
from services.scheduling.domain.wall_time import minute_after
from services.scheduling.handlers.capacity import may_have_risen
from services.scheduling.handlers.closing import may_have_closed
from services.scheduling.repository import exceptions, holidays, places, resources, roster
from shared.messaging import Transaction


@dataclass(frozen=True, slots=True)
class Outcome:
    """Exceptions as they stand, and the appointments that the calendar does not have open any more."""

    time_zone: str
    hours: Sequence[OtherHours]
    booked_outside: Sequence[Standing]


async def save(tx: Transaction, therapist_id: UUID, wanted: OtherHours, seen: int | None) -> Outcome:
    """Writes it whole; the same again changes nothing. Raises Refused with every fault."""
    known = frozenset(await places.zones(tx, [wanted.site_id] if wanted.site_id else []))
    await holidays.share_turn(tx)
    calendar = await _lock(tx, therapist_id)
    before, withdrawn = await exceptions.find(tx, therapist_id, wanted.id) or (None, False)
    if withdrawn:
        raise Refused("already_withdrawn", "This one was taken back; a new one needs an id of its own.")
    if same(before, wanted):
        return _outcome(calendar, [before or wanted], await exceptions.booked(tx, [therapist_id]))
    if wrong := faults(wanted, calendar, known, minute_after(tx.now)):
        raise invalid(wrong)
    version, _ = next_version(before.version if before else None, seen, same=False)
    hours = replace(wanted, version=version)
    await exceptions.save(tx, therapist_id, hours)
    return await _changed(tx, therapist_id, [hours])


async def withdraw(tx: Transaction, therapist_id: UUID, exception_id: UUID, seen: int | None) -> Outcome:
    """Takes it back; twice is once. Raises Refused."""
    calendar = await _lock(tx, therapist_id)
    standing, withdrawn = await exceptions.find(tx, therapist_id, exception_id) or (None, False)
    if standing is None:
        raise Refused("not_found")
    if withdrawn:
        return _outcome(calendar, [], await exceptions.booked(tx, [therapist_id]))
    check_seen(standing.version, seen)
    await exceptions.withdraw(tx, therapist_id, exception_id)
    return await _changed(tx, therapist_id, [])


async def show(tx: Transaction, therapist_id: UUID) -> Outcome:
    """All that are not over. Raises Refused."""
    if (calendar := await roster.read_calendar(tx, therapist_id)) is None:
        raise Refused("not_found")
    return _outcome(calendar, calendar.other_hours, await exceptions.booked(tx, [therapist_id]))


async def _lock(tx: Transaction, therapist_id: UUID) -> Calendar:
    await resources.lock(tx, {}, {therapist_id})
    if (calendar := await roster.read_calendar(tx, therapist_id)) is None:
        raise Refused("not_found")
    return calendar


async def _changed(tx: Transaction, therapist_id: UUID, hours: Sequence[OtherHours]) -> Outcome:
    await may_have_risen(tx, [therapist_id])
    await may_have_closed(tx, [therapist_id])
    calendar = await roster.read_calendar(tx, therapist_id)
    assert calendar is not None  # it is locked
    return _outcome(calendar, hours, await exceptions.booked(tx, [therapist_id]))


def _outcome(calendar: Calendar, hours: Sequence[OtherHours], booked: Sequence[Standing]) -> Outcome:
    return Outcome(calendar.time_zone, hours, outside(calendar, booked))
