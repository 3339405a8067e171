"""Wall clocks: from local times of day to UTC minutes, right on days when the clocks change too.

A moment belongs to a window when the clock on the wall shows a time inside it, so nobody is ever given an
hour outside what they said. Pakistan had summer time in 2002, 2008 and 2009 and may have it again by decree.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from zoneinfo import ZoneInfo, available_timezones

Span = tuple[int, int]  # UTC minutes since 1970, the end not included

DAY = 1440
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
WIDEST_CHANGE = 24 * 60  # Samoa left out a whole day in 2011; no clock was ever moved further


class UnknownZone(ValueError):
    """No such name in the tz database."""


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Every name of the tz database."""
    return frozenset(available_timezones())


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """Raises UnknownZone."""
    if name not in zone_names():
        raise UnknownZone(name)
    return ZoneInfo(name)


def minute_of(moment: datetime) -> int:
    """Whole UTC minutes since 1970 of an aware moment; seconds are cut off."""
    return int(moment.timestamp() // 60)


def minute_after(moment: datetime) -> int:
    """The first whole UTC minute that is not before an aware moment."""
    return -int(-moment.timestamp() // 60)


def moment_of(minute: int) -> datetime:
    """The moment in UTC."""
    return EPOCH + timedelta(minutes=minute)


def local_day(zone_name: str, minute: int) -> int:
    """The date on the wall at this minute, as days since 1970."""
    return moment_of(minute).astimezone(zone(zone_name)).toordinal() - EPOCH_ORDINAL


def weekday(day: int) -> int:
    """ISO 8601: Monday is 1, Sunday 7. 1970 began on a Thursday."""
    return (day + 3) % 7 + 1


@lru_cache(maxsize=8192)
def pieces(zone_name: str, day: int) -> tuple[tuple[int, int, int], ...]:
    """The minutes that have this local date: (from, to, offset) with a constant offset from UTC in minutes.

    One piece on nearly every day, two when the clocks change, none on a date that a place left out.
    """
    midnight = day * DAY
    offsets = _offsets_at_wall(zone_name, midnight) | _offsets_at_wall(zone_name, midnight + DAY)
    if len(offsets) == 1:
        (offset,) = offsets
        return ((midnight - offset, midnight + DAY - offset, offset),)
    first = midnight - max(offsets) - WIDEST_CHANGE
    last = midnight + DAY - min(offsets) + WIDEST_CHANGE
    shown = ((minute, _offset(zone_name, minute)) for minute in range(first, last))
    inside = [(minute, offset) for minute, offset in shown if (minute + offset) // DAY == day]
    return tuple(
        (run[0][0], run[-1][0] + 1, offset)
        for offset, group in groupby(inside, key=lambda one: one[1])
        if (run := list(group))
    )


def spans(zone_name: str, day: int, start: int, end: int) -> list[Span]:
    """When the clock shows `start` to `end` (minutes after midnight, 1440 = the day's end) on this date."""
    found = []
    for first, last, offset in pieces(zone_name, day):
        shift = day * DAY - offset
        span = max(first, shift + start), min(last, shift + end)
        if span[0] < span[1]:
            found.append(span)
    return found


def merged(unsorted: Iterable[Span]) -> list[Span]:
    """The same minutes in as few spans as possible, in order: what touches is one."""
    joined: list[Span] = []
    for start, end in sorted(unsorted):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def without(opened: Iterable[Span], closed: Iterable[Span]) -> list[Span]:
    """The minutes of `opened` that are in none of `closed`, in order."""
    left = merged(opened)
    for start, end in merged(closed):
        left = [
            part
            for first, last in left
            for part in ((first, min(last, start)), (max(first, end), last))
            if part[0] < part[1]
        ]
    return left


def _offset(zone_name: str, minute: int) -> int:
    shift = moment_of(minute).astimezone(zone(zone_name)).utcoffset()
    return int(shift.total_seconds() // 60) if shift is not None else 0


def _offsets_at_wall(zone_name: str, wall: int) -> set[int]:
    """Both, where the wall shows this twice or leaves it out: St John's went back from 00:01 to 23:01."""
    naive = (EPOCH + timedelta(minutes=wall)).replace(tzinfo=zone(zone_name))
    shifts = (naive.replace(fold=fold).utcoffset() for fold in (0, 1))
    return {int(shift.total_seconds() // 60) if shift is not None else 0 for shift in shifts}
