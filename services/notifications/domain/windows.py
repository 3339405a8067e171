"""Safe windows: the weekly hours in which a person said that a message does no harm."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MINUTES_OF_A_DAY = 1440
DEFAULT_ZONE = "Asia/Karachi"


@dataclass(frozen=True, slots=True)
class Window:
    """ISO day 1-7, minutes after midnight in local wall time; an end before the start is the next day's.

    An end equal to the start is an empty window: when in doubt, no message.
    """

    day: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Hours:
    """Windows on the wall of one zone; none given means the usual ones."""

    windows: Sequence[Window]
    time_zone: str


@dataclass(frozen=True, slots=True)
class Limit:
    """Hours outside which nothing may arrive on these channels, by a rule that somebody has read."""

    id: str
    channels: frozenset[str]
    hours: Hours


# Advised hours for messages in Pakistan (9-21, an SMS provider's guidance); used when a person named none.
DEFAULT_WINDOWS: tuple[Window, ...] = tuple(Window(day, 540, 1260) for day in range(1, 8))


@lru_cache(maxsize=256)
def zone(name: str) -> ZoneInfo:
    """The time zone of that name; an unknown name is read as the country's own zone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(DEFAULT_ZONE)


def is_open(windows: Sequence[Window], zone_name: str, at: datetime) -> bool:
    """Whether a message may arrive at this moment; no windows given means the default ones."""
    local = at.astimezone(zone(zone_name))
    day, minute = local.isoweekday(), local.hour * 60 + local.minute
    return any(_covers(window, day, minute) for window in windows or DEFAULT_WINDOWS)


def next_opening(every: Sequence[Hours], after: datetime) -> datetime | None:
    """The first moment from `after` on at which all of these have a window open; None when that never is.

    Right over clock changes: a start that the clock skips opens at the first minute after the gap that the
    window covers, one that the clock repeats opens at both (PEP 495 `fold`).
    """
    if _all_open(every, after):
        return after
    # What is common begins where a window of one of them does.
    openings = (
        moment
        for one in every
        for moment in _around(one, after)
        if moment >= after and _all_open(every, moment)
    )
    return min(openings, default=None)


def next_closing(every: Sequence[Hours], after: datetime) -> datetime | None:
    """The first moment after `after` at which one of these has closed; None when none does within a week."""
    closings = (
        moment
        for one in every
        for moment in _around(one, after, closing=True)
        if moment > after and not _all_open(every, moment)
    )
    return min(closings, default=None)


def _all_open(every: Sequence[Hours], at: datetime) -> bool:
    return all(is_open(one.windows, one.time_zone, at) for one in every)


def _covers(window: Window, day: int, minute: int) -> bool:
    if window.start < window.end:
        return day == window.day and window.start <= minute < window.end
    if window.start == window.end:
        return False
    next_day = window.day % 7 + 1
    return (day == window.day and minute >= window.start) or (day == next_day and minute < window.end)


def _around(hours: Hours, moment: datetime, *, closing: bool = False) -> Iterator[datetime]:
    """When its windows open, or close: of a week, and a day more at either end."""
    here = zone(hours.time_zone)
    today = moment.astimezone(here).date()
    for distance in range(-1, 9):
        day = today + timedelta(days=distance)
        for window in hours.windows or DEFAULT_WINDOWS:
            if window.day != day.isoweekday():
                continue
            if closing:
                later = window.end >= MINUTES_OF_A_DAY or window.end < window.start
                yield from _moments(here, day + timedelta(days=later), window.end)
            else:
                yield from _moments(here, day, window.start)


def _moments(here: ZoneInfo, day: date, minutes: int) -> Iterator[datetime]:
    """When the clock shows this: twice where it is put back; where it is put forward the minutes around the gap."""
    hour, minute = divmod(minutes % MINUTES_OF_A_DAY, 60)
    local = datetime.combine(day, time(hour, minute), here)
    first = local.astimezone(UTC)
    second = local.replace(fold=1).astimezone(UTC)
    yield first
    if second > first:
        yield second
    elif second < first:
        yield from _minutes(second, first)


def _minutes(start: datetime, end: datetime) -> Iterator[datetime]:
    """Every minute around a clock gap: rare, so it need not be clever."""
    for minute in range(int((end - start).total_seconds()) // 60 + 1):
        yield start + timedelta(minutes=minute)
