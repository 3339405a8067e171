"""Public holidays as coordinators enter them. What is booked stays, and is named."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from services.scheduling.domain.exceptions import Standing, outside
from services.scheduling.domain.holidays import Almanac, Holiday, faults, on_day, suggested
from services.scheduling.domain.refusals import invalid, next_version
from services.scheduling.domain.wall_time import minute_after
from services.scheduling.handlers.capacity import may_have_risen
from services.scheduling.handlers.certainty import reconsider_days
from services.scheduling.handlers.closing import may_have_closed
from services.scheduling.repository import holidays, resources, roster
from shared.messaging import Transaction

A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Saved:
    """A holiday as it stands, and the appointments on its days that no calendar has open any more."""

    holiday: Holiday
    version: int
    booked_outside: Sequence[Standing]


async def save(tx: Transaction, wanted: Holiday, seen: int | None) -> Saved:
    """Writes it whole; the same again changes nothing. Raises Refused with every fault."""
    await holidays.take_turn(tx)
    before, standing = await holidays.find(tx, wanted.id) or (None, None)
    version, changes = next_version(standing, seen, same=wanted == before)
    if changes:
        if wrong := faults(wanted, minute_after(tx.now)):
            raise invalid(wrong)
        await holidays.save(tx, wanted, version)
        counted = [one for one in (before, wanted) if one and one.status != "cancelled"]
        await _follow(tx, {one.time_zone for one in counted})
        await reconsider_days(tx, counted, version)
    return Saved(wanted, version, await _disturbed(tx, wanted))


async def show(tx: Transaction, almanac: Almanac) -> tuple[list[tuple[Holiday, int]], list[Holiday]]:
    """Those that were entered and are not over, with their versions; and what may be missing."""
    entered = await holidays.coming(tx, (tx.now - A_DAY).date())
    return entered, suggested(almanac, {one.id for one, _ in entered}, minute_after(tx.now))


async def _follow(tx: Transaction, zones: set[str]) -> None:
    """Everybody in these zones has other hours now: nobody books with them meanwhile."""
    therapists = await holidays.therapists_in(tx, zones) if zones else []
    await resources.lock(tx, {}, set(therapists))
    await holidays.touch(tx, therapists)
    await may_have_risen(tx, therapists)
    await may_have_closed(tx, therapists)


async def _disturbed(tx: Transaction, holiday: Holiday) -> list[Standing]:
    if holiday.status != "confirmed":
        return []
    therapists = await roster.read(tx, await holidays.therapists_in(tx, [holiday.time_zone]))
    since = datetime.combine(holiday.first_day, time(), UTC) - A_DAY
    until = datetime.combine(holiday.last_day, time(), UTC) + 2 * A_DAY
    of_each: dict[UUID, list[Standing]] = {}
    for one in await holidays.booked(tx, list(therapists), since, until):
        of_each.setdefault(one.therapist_id, []).append(one)
    disturbed = [
        one
        for who, known in therapists.items()
        if known.calendar is not None
        for one in outside(known.calendar, of_each.get(who, []))
        if on_day(holiday, one.start)
    ]
    return sorted(disturbed, key=lambda one: (one.start, one.id))
