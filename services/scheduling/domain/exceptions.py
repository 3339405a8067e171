"""Exceptions to the weekly rules: what may be said, and which appointments a calendar no longer has room for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.scheduling.domain.calendars import Calendar, Fault, Lane, OtherHours, is_open
from services.scheduling.domain.grid import QUARTER
from services.scheduling.domain.wall_time import DAY, local_day

MOST_COMING = 100
LONGEST_DAYS = 366
FARTHEST_DAYS = 731


@dataclass(frozen=True, slots=True)
class Standing:
    """An appointment that stands, as far as its place and time go. Minutes; `time_zone` is the one it is told in."""

    id: UUID
    version: int
    therapist_id: UUID
    lane: Lane
    modality: str
    site_id: UUID | None
    start: int
    end: int
    time_zone: str


def outside(calendar: Calendar, booked: Sequence[Standing]) -> list[Standing]:
    """Those of these appointments whose time and place the calendar does not have open, in order of time. They were
    booked before it changed; what becomes of them is for people to decide."""
    closed = (one for one in booked if not is_open(calendar, one.lane, one.site_id, one.start, one.end))
    return sorted(closed, key=lambda one: (one.start, one.id))


def same(one: OtherHours | None, other: OtherHours) -> bool:
    """Whether two say the same, whatever their versions."""
    names = set(OtherHours.__slots__) - {"version"}
    return one is not None and all(getattr(one, name) == getattr(other, name) for name in names)


def faults(hours: OtherHours, calendar: Calendar, known_sites: frozenset[UUID], now: int) -> list[Fault]:
    """Everything that is wrong with an exception as it was sent; `known_sites` are those that exist."""
    others = [one for one in calendar.other_hours if one.id != hours.id]
    return [
        *unfitting(hours, local_day(calendar.time_zone, now), len(others)),
        *_place(hours, known_sites),
        *_among(hours, others),
    ]


def unfitting(hours: OtherHours, today: int, others: int) -> list[Fault]:
    """What is wrong with its days and times; `others` are those beside it that are not over."""
    found = [*_times(hours), *_days(hours, today)]
    if others >= MOST_COMING:
        found.append(
            Fault("", "too_many", f"{MOST_COMING} at most that are not over; a range of days is one")
        )
    return found


def _times(hours: OtherHours) -> Iterator[Fault]:
    for name, minute in (("start", hours.start), ("end", hours.end)):
        if minute % QUARTER:
            yield Fault(f"/{name}", "off_grid", "times are on the quarter hour")
    if not 0 <= hours.start < hours.end <= DAY:
        yield Fault("/end", "end_before_start", "it ends after it starts, on the same day")


def _days(hours: OtherHours, today: int) -> Iterator[Fault]:
    if hours.last_day < hours.first_day:
        yield Fault("/last_day", "end_before_start", "the last day is not before the first")
    elif hours.last_day < today:
        yield Fault("/last_day", "in_the_past", "these days are over")
    elif hours.last_day - hours.first_day >= LONGEST_DAYS:
        yield Fault("/last_day", "too_long", "a year at most")
    if hours.first_day > today + FARTHEST_DAYS:
        yield Fault("/first_day", "too_far", "nobody plans that far ahead")


def _place(hours: OtherHours, known_sites: frozenset[UUID]) -> Iterator[Fault]:
    extra = hours.kind == "extra_hours"
    if extra and hours.lane is None:
        yield Fault("/lane", "missing", "extra hours are online or in person")
    elif hours.site_id is not None and hours.lane != "in_person":
        yield Fault("/site_id", "not_allowed", "only hours in person have a site")
    elif extra and hours.lane == "in_person" and hours.site_id is None:
        yield Fault("/site_id", "missing", "hours in person are at a site")
    elif hours.site_id is not None and hours.site_id not in known_sites:
        yield Fault("/site_id", "unknown_site", "there is no such site")


def _among(hours: OtherHours, others: Sequence[OtherHours]) -> Iterator[Fault]:
    if any(_in_two_places(hours, one) for one in others):
        yield Fault("/site_id", "in_two_places", "there are extra hours at another site at this time")


def _in_two_places(one: OtherHours, other: OtherHours) -> bool:
    return (
        one.kind == other.kind == "extra_hours"
        and one.lane == other.lane == "in_person"
        and one.site_id != other.site_id
        and one.first_day <= other.last_day
        and other.first_day <= one.last_day
        and one.start < other.end
        and other.start < one.end
    )
