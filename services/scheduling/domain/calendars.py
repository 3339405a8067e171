"""Calendars: a therapist's weekly rules in local wall time, and the starts they offer."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal
from uuid import UUID

from services.scheduling.domain.grid import QUARTER, starts_inside
from services.scheduling.domain.wall_time import (
    DAY,
    Span,
    local_day,
    merged,
    spans,
    weekday,
    without,
    zone_names,
)

Lane = Literal["online", "in_person"]
ExceptionKind = Literal["time_off", "extra_hours"]

LONGEST_HORIZON_DAYS = 92
LONGEST_BUFFER = 120


@dataclass(frozen=True, slots=True)
class Rule:
    """Open every week on one ISO day, in minutes after local midnight; in person at one site."""

    day: int
    start: int
    end: int
    lane: Lane
    site_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class OtherHours:
    """An exception to the rules, on each day from `first_day` to `last_day` (days since 1970, both included) from
    `start` to `end` (minutes after local midnight): time off, from every lane and site or from those it names; or
    extra hours in one lane, in person at one site, which close the other sites meanwhile."""

    id: UUID
    version: int
    kind: ExceptionKind
    first_day: int
    last_day: int
    start: int
    end: int
    lane: Lane | None = None
    site_id: UUID | None = None

    def here(self, lane: Lane, site_id: UUID | None) -> bool:
        """Whether these are extra hours in this lane, at this site."""
        return self.kind == "extra_hours" and self.lane == lane and self.site_id == site_id

    def disturbs(self, lane: Lane, site_id: UUID | None) -> bool:
        """Whether they take hours away in this lane, at this site: nobody is in two places at once."""
        if self.kind == "extra_hours":
            return self.lane == lane and self.site_id != site_id
        return self.lane in (None, lane) and self.site_id in (None, site_id)

    def spans(self, time_zone: str, days: range) -> list[Span]:
        """When the clock shows them on those of these days that they name."""
        named = range(max(days.start, self.first_day), min(days.stop, self.last_day + 1))
        return merged(span for day in named for span in spans(time_zone, day, self.start, self.end))


@dataclass(frozen=True, slots=True)
class Closure:
    """When a site takes nobody, in the site's own zone."""

    time_zone: str
    hours: OtherHours

    def spans(self, days: range) -> list[Span]:
        """When it is closed on these days, which may begin and end at other moments elsewhere."""
        return self.hours.spans(self.time_zone, range(days.start - 1, days.stop + 1))


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """One version of a calendar. Compared by identity, so that what follows from it can be cached by it.

    `buffer`, `notice` and all times in minutes; `horizon` in days. `holidays` are public ones that are in force in its
    zone, as first and last day since 1970: the rules are closed then, extra hours are not; `tentative` those that may come.
    `closures` are those of the sites.
    """

    therapist_id: UUID
    version: int
    time_zone: str
    buffer: int
    notice: int
    horizon: int
    rules: tuple[Rule, ...]
    other_hours: tuple[OtherHours, ...] = ()
    holidays: tuple[tuple[int, int], ...] = ()
    closures: tuple[Closure, ...] = ()
    tentative: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a calendar, and where: a JSON pointer and a code."""

    pointer: str
    code: str
    detail: str


def same_hours(one: Calendar | None, other: Calendar) -> bool:
    """Whether two calendars say the same of every week, whatever their versions and exceptions."""
    weekly = set(Calendar.__slots__) - {"version", "other_hours", "holidays", "closures", "tentative"}
    return one is not None and all(getattr(one, name) == getattr(other, name) for name in weekly)


@lru_cache(maxsize=8192)
def offered_starts(calendar: Calendar, lane: Lane, site_id: UUID | None, length: int, origin: int) -> int:
    """The starts (grid bits) from which `length` minutes are open without a break, from `origin` to the horizon."""
    first = local_day(calendar.time_zone, origin)
    days = range(first, first + calendar.horizon + 3)
    return starts_inside(open_spans(calendar, lane, site_id, days), length, origin)


def open_spans(calendar: Calendar, lane: Lane, site_id: UUID | None, days: range) -> list[Span]:
    """When a lane is open at a site on these local days (numbered from 1970): the rules, but for
    holidays, and their exceptions."""
    rules = [rule for rule in calendar.rules if rule.lane == lane and rule.site_id == site_id]
    weekly = merged(
        span
        for day in days
        if not _on(calendar.holidays, day)
        for rule in rules
        if rule.day == weekday(day)
        for span in spans(calendar.time_zone, day, rule.start, rule.end)
    )
    # What is closed or off is so, whatever else was said; extra hours are stronger than the rules of other sites.
    gone = [
        span for one in calendar.closures if one.hours.disturbs(lane, site_id) for span in one.spans(days)
    ]
    near = [one for one in calendar.other_hours if one.first_day < days.stop and one.last_day >= days.start]
    if not near:
        return without(weekly, gone) if gone else weekly

    def shown(which: Iterable[OtherHours]) -> Iterator[Span]:
        return (span for one in which for span in one.spans(calendar.time_zone, days))

    extra = shown(one for one in near if one.here(lane, site_id))
    away = [one for one in near if one.disturbs(lane, site_id)]
    elsewhere = shown(one for one in away if one.kind == "extra_hours")
    opened = merged([*without(weekly, elsewhere), *extra])
    return without(opened, [*gone, *shown(one for one in away if one.kind == "time_off")])


def is_open(calendar: Calendar, lane: Lane, site_id: UUID | None, start: int, end: int) -> bool:
    """Whether a lane is open at a site for all of these minutes."""
    days = range(local_day(calendar.time_zone, start) - 1, local_day(calendar.time_zone, end) + 2)
    opened = open_spans(calendar, lane, site_id, days)
    return any(first <= start and end <= last for first, last in opened)


def may_close(calendar: Calendar, lane: Lane, site_id: UUID | None, start: int, end: int) -> bool:
    """Whether it would not be open then if the holidays that are not certain came."""
    if not calendar.tentative or not _on(calendar.tentative, local_day(calendar.time_zone, start)):
        return False
    certain = replace(calendar, holidays=(*calendar.holidays, *calendar.tentative))
    return not is_open(certain, lane, site_id, start, end)


def closed_by_holiday(calendar: Calendar, lane: Lane, site_id: UUID | None, start: int, end: int) -> bool:
    """Whether it is not open then, on a day that is a holiday."""
    on_holiday = _on(calendar.holidays, local_day(calendar.time_zone, start))
    return on_holiday and not is_open(calendar, lane, site_id, start, end)


def _on(holidays: Iterable[tuple[int, int]], day: int) -> bool:
    return any(first <= day <= last for first, last in holidays)


def faults(time_zone: str, rules: Sequence[Rule], known_sites: frozenset[UUID]) -> list[Fault]:
    """Everything that is wrong with a calendar as it was sent; `known_sites` are those that exist."""
    found = (
        [] if time_zone in zone_names() else [Fault("/time_zone", "unknown_zone", "not in the tz database")]
    )
    for place, rule in enumerate(rules):
        found += _faults_of(f"/rules/{place}", rule, known_sites)
    return found + list(_overlaps(rules))


def _faults_of(pointer: str, rule: Rule, known_sites: frozenset[UUID]) -> Iterator[Fault]:
    for name, minute in (("start", rule.start), ("end", rule.end)):
        if minute % QUARTER:
            yield Fault(f"{pointer}/{name}", "off_grid", "times are on the quarter hour")
    if not 0 <= rule.start < rule.end <= DAY:
        yield Fault(f"{pointer}/end", "end_before_start", "a rule ends after it starts, on the same day")
    if rule.lane == "online" and rule.site_id is not None:
        yield Fault(f"{pointer}/site_id", "not_allowed", "online hours have no site")
    elif rule.lane == "in_person" and rule.site_id is None:
        yield Fault(f"{pointer}/site_id", "missing", "hours in person are at a site")
    elif rule.site_id is not None and rule.site_id not in known_sites:
        yield Fault(f"{pointer}/site_id", "unknown_site", "there is no such site")


def _overlaps(rules: Sequence[Rule]) -> Iterator[Fault]:
    """Nobody is in two places at once; the same hours may be open online and in person, though."""
    latest: dict[tuple[int, Lane], int] = {}
    for place, rule in sorted(enumerate(rules), key=lambda one: (one[1].start, one[0])):
        ends = latest.get((rule.day, rule.lane), 0)
        if rule.start < ends:
            yield Fault(f"/rules/{place}", "overlapping_rules", "overlaps another rule of this day and lane")
        latest[rule.day, rule.lane] = max(ends, rule.end)
