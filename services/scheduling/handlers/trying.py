"""Dry runs: what a change of a calendar would leave outside. Nothing is locked or written."""

from dataclasses import dataclass, replace
from uuid import UUID

from services.scheduling.domain import calendars
from services.scheduling.domain import exceptions as domain
from services.scheduling.domain.calendars import Calendar, Fault, OtherHours
from services.scheduling.domain.exceptions import Standing, outside
from services.scheduling.domain.refusals import Refused, invalid
from services.scheduling.domain.wall_time import minute_after
from services.scheduling.repository import exceptions, places, roster
from shared.messaging import Transaction


@dataclass(frozen=True, slots=True)
class Trial:
    """The appointments that the change would leave outside, and those that are outside without it."""

    newly: list[Standing]
    already: list[Standing]


async def try_exception(tx: Transaction, therapist_id: UUID, wanted: OtherHours) -> Trial:
    """As if it were written, in place of the one with its id. Raises Refused with every fault."""
    sites = frozenset(await places.zones(tx, [wanted.site_id] if wanted.site_id else []))
    calendar = await _calendar(tx, therapist_id)
    found = domain.faults(wanted, calendar, sites, minute_after(tx.now))
    kept = tuple(one for one in calendar.other_hours if one.id != wanted.id)
    return await _try(tx, calendar, replace(calendar, other_hours=(*kept, wanted)), found)


async def try_calendar(tx: Transaction, wanted: Calendar) -> Trial:
    """As if the week were written; exceptions, holidays and closures stay. Raises Refused with every fault."""
    sites = frozenset(await places.zones(tx, {rule.site_id for rule in wanted.rules if rule.site_id}))
    calendar = await _calendar(tx, wanted.therapist_id)
    found = calendars.faults(wanted.time_zone, wanted.rules, sites)
    stays = {name: getattr(calendar, name) for name in ("other_hours", "holidays", "closures")}
    return await _try(tx, calendar, replace(wanted, **stays), found)


async def _calendar(tx: Transaction, therapist_id: UUID) -> Calendar:
    if (calendar := await roster.read_calendar(tx, therapist_id)) is None:
        raise Refused("not_found")
    return calendar


async def _try(tx: Transaction, before: Calendar, after: Calendar, found: list[Fault]) -> Trial:
    if found:
        raise invalid(found)
    booked = await exceptions.booked(tx, [before.therapist_id])
    already = outside(before, booked)
    return Trial([one for one in outside(after, booked) if one not in already], already)
