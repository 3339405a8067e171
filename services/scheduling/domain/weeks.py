"""Weeks as they are counted for a therapist's limit: ISO weeks, Monday to Sunday, in the calendar's own zone."""

from datetime import date
from functools import lru_cache

from services.scheduling.domain.wall_time import EPOCH_ORDINAL, Span, local_day, pieces

DAYS_TO_MONDAY = 3  # 1970-01-01 was a Thursday, so week 0 began three days before it


def week_of(zone_name: str, minute: int) -> int:
    """The number of the week a minute lies in: weeks since the one that held 1970-01-01."""
    return (local_day(zone_name, minute) + DAYS_TO_MONDAY) // 7


@lru_cache(maxsize=4096)
def week_span(zone_name: str, week: int) -> Span:
    """The minutes of a week; 10,020 to 10,140 of them when the clocks change."""
    monday = week * 7 - DAYS_TO_MONDAY
    return pieces(zone_name, monday)[0][0], pieces(zone_name, monday + 6)[-1][1]


def monday_of(week: int) -> date:
    """Its Monday, which is how a week is stored."""
    return date.fromordinal(week * 7 - DAYS_TO_MONDAY + EPOCH_ORDINAL)


def first_monday(minute: int) -> date:
    """Of the earliest week that is not over everywhere: somewhere it may be last week still."""
    return monday_of(week_of("UTC", minute) - 1)


def week_from(monday: date) -> int:
    """The reverse of `monday_of`."""
    return (monday.toordinal() - EPOCH_ORDINAL + DAYS_TO_MONDAY) // 7
