"""Calendars: a therapist's weekly rules in local wall time, and the starts they offer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from uuid import UUID

from services.scheduling.domain.grid import QUARTER, starts_inside
from services.scheduling.domain.wall_time import DAY, local_day, merged, spans, weekday, zone_names

Lane = Literal["online", "in_person"]

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


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """One version of a calendar. Compared by identity, so that what follows from it can be cached by it.

    `buffer`, `notice` and all times in minutes; `horizon` in days.
    """

    therapist_id: UUID
    version: int
    time_zone: str
    buffer: int
    notice: int
    horizon: int
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a calendar, and where: a JSON pointer and a code."""

    pointer: str
    code: str
    detail: str


def same_hours(one: Calendar | None, other: Calendar) -> bool:
    """Whether two calendars say the same, whatever their versions."""
    return one is not None and all(
        getattr(one, name) == getattr(other, name) for name in Calendar.__slots__ if name != "version"
    )


@lru_cache(maxsize=8192)
def offered_starts(calendar: Calendar, lane: Lane, site_id: UUID | None, length: int, origin: int) -> int:
    """The starts (grid bits) from which `length` minutes lie inside the rules, from `origin` to the horizon."""
    rules = [rule for rule in calendar.rules if rule.lane == lane and rule.site_id == site_id]
    first = local_day(calendar.time_zone, origin)
    open_spans = (
        span
        for day in range(first, first + calendar.horizon + 3)
        for rule in rules
        if rule.day == weekday(day)
        for span in spans(calendar.time_zone, day, rule.start, rule.end)
    )
    return starts_inside(merged(open_spans), length, origin)


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
