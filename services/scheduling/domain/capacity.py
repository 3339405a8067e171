"""How many appointments a therapist still has room for: by lane, site, week and part of the day.

Counted with the predicate that books, so a therapist without capacity here has no hour there. It is advice all the
same: whoever books meanwhile is not in it, and of rooms it knows only that one is free at that time.
"""

from collections import Counter
from collections.abc import Iterator
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
from services.scheduling.domain.weeks import monday_of, week_of

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
    for start in _one_after_another(
        board.open_starts(therapist.id, site, need), calendar.buffer, board.origin
    ):
        week, part = _when(calendar.time_zone, start)
        left = therapist.weekly_limit - board.used.get((therapist.id, week), 0) - taken[week]
        if left > 0:
            taken[week] += 1
            counted[week, part] += 1
    return counted


def _one_after_another(mask: int, buffer: int, origin: int) -> Iterator[int]:
    """The earliest start, then the earliest that it leaves, and so on: as many as fit into one diary."""
    apart = -(-(LENGTH + 2 * buffer) // grid.QUARTER)
    while (start := grid.earliest(mask, origin)) is not None:
        yield start
        mask >>= (start - origin) // grid.QUARTER + apart
        origin = start + apart * grid.QUARTER


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
