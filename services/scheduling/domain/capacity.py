"""How many appointments a therapist still has room for: by lane, site, week and part of the day.

Counted with the predicate that books, so a therapist without capacity here has no hour there. It is advice all the
same: whoever books meanwhile is not in it, and of rooms it knows only that one is free at that time.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Literal
from uuid import UUID

from services.scheduling.domain import grid
from services.scheduling.domain.availability import Board, Need, Therapist
from services.scheduling.domain.calendars import Calendar, Lane
from services.scheduling.domain.slots import sites_of
from services.scheduling.domain.wall_time import DAY, moment_of, zone
from services.scheduling.domain.weeks import monday_of, week_of, week_span

DayPart = Literal["morning", "afternoon", "evening"]

# Minutes of one appointment, which is what is counted, and days ahead: what matching asks for
# (services/matching/data/matching.yaml).
LENGTH = 50
HORIZON_DAYS = 28
# Hours on the wall at which the afternoon and the evening begin.
NOON, EVENING = 12, 17


@dataclass(frozen=True, slots=True)
class Free:
    """Room for appointments in one part of the days of one week; `minutes` is a multiple of LENGTH, above 0."""

    lane: Lane
    site_id: UUID | None
    week: date
    day_part: DayPart
    minutes: int


def free_of(therapist: Therapist, board: Board) -> tuple[Free, ...]:
    """Everything that is free of a therapist in the next weeks, in order; nothing for who takes nobody.

    Lanes and sites are counted each by itself: an hour that is open online and in person is in both.
    """
    calendar = therapist.calendar
    if calendar is None:
        return ()
    places: list[tuple[Lane, UUID | None]] = [("online", None)]
    places += [("in_person", site) for site in sorted(sites_of(therapist))]
    return tuple(
        Free(lane, site, monday_of(week), part, count * LENGTH)
        for lane, site in places
        for (week, part), count in sorted(_counted(therapist, calendar, lane, site, board).items())
    )


def _counted(
    therapist: Therapist, calendar: Calendar, lane: Lane, site: UUID | None, board: Board
) -> Counter[tuple[int, DayPart]]:
    counted: Counter[tuple[int, DayPart]] = Counter()
    taken: Counter[int] = Counter()
    need = Need(lane, LENGTH, (), board.now, board.now + HORIZON_DAYS * DAY)
    mask, origin = board.open_starts(therapist.id, site, need), board.origin
    apart = -(-(LENGTH + 2 * calendar.buffer) // grid.QUARTER) * grid.QUARTER
    # The earliest start, then the earliest that it leaves, and so on: as many as fit into one diary.
    while (start := grid.earliest(mask, origin)) is not None:
        week, part = _when(calendar.time_zone, start)
        if taken[week] + board.used.get((therapist.id, week), 0) < therapist.weekly_limit:
            taken[week] += 1
            counted[week, part] += 1
            following = start + apart
        else:
            # Nobody gets it, so it takes nothing from the first hour of the next week.
            following = week_span(calendar.time_zone, week)[1]
        steps = -(-(following - origin) // grid.QUARTER)
        mask >>= steps
        origin += steps * grid.QUARTER
    return counted


# Everybody's hours begin at the same few quarters.
@lru_cache(maxsize=16_384)
def _when(zone_name: str, minute: int) -> tuple[int, DayPart]:
    return week_of(zone_name, minute), day_part(zone_name, minute)


def day_part(zone_name: str, minute: int) -> DayPart:
    """The part of the day in which the clock on the wall shows this minute."""
    hour = moment_of(minute).astimezone(zone(zone_name)).hour
    if hour < NOON:
        return "morning"
    return "afternoon" if hour < EVENING else "evening"
