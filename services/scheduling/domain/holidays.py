"""Public holidays: what may be entered, and which may be missing. Only what somebody has verified is in force."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from services.scheduling.domain.calendars import Fault
from services.scheduling.domain.wall_time import EPOCH_ORDINAL, local_day, zone_names

HolidayStatus = Literal["tentative", "confirmed", "cancelled"]

LONGEST_DAYS = 14
FARTHEST = timedelta(days=731)
SUGGESTED = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Holiday:
    """Days that are off for everybody whose calendar is in this zone, once they are confirmed."""

    id: str
    name: str
    first_day: date
    last_day: date
    time_zone: str
    status: HolidayStatus
    source: str
    verified_on: date | None


@dataclass(frozen=True, slots=True)
class EveryYear:
    """A holiday that is on the same day each year, as calendars on paper have it."""

    id: str
    name: str
    month: int
    day: int


@dataclass(frozen=True, slots=True)
class Almanac:
    """What is printed, and who says so."""

    source: str
    time_zone: str
    every_year: tuple[EveryYear, ...]
    once: tuple[Holiday, ...]


def today_in(zone_name: str, now: int) -> date:
    """The date on the wall at this minute."""
    return date.fromordinal(local_day(zone_name, now) + EPOCH_ORDINAL)


def on_day(holiday: Holiday, minute: int) -> bool:
    """Whether the clock shows one of its days at this minute."""
    return holiday.first_day <= today_in(holiday.time_zone, minute) <= holiday.last_day


def faults(holiday: Holiday, now: int) -> list[Fault]:
    """Everything that is wrong with a holiday as it was sent."""
    if holiday.time_zone not in zone_names():
        return [Fault("/time_zone", "unknown_zone", "not in the tz database")]
    return list(_faults(holiday, today_in(holiday.time_zone, now)))


def suggested(almanac: Almanac, entered: Collection[str], now: int) -> list[Holiday]:
    """What the almanac has in the next year and nobody has entered, tentative, in order of time."""
    today = today_in(almanac.time_zone, now)
    printed = [*almanac.once, *_of_years(almanac, (today.year, today.year + 1))]
    near = [one for one in printed if today <= one.last_day and one.first_day <= today + SUGGESTED]
    missing = (one for one in near if one.id not in entered)
    return sorted(missing, key=lambda one: (one.first_day, one.id))


def _of_years(almanac: Almanac, years: Sequence[int]) -> Iterator[Holiday]:
    for year in years:
        for one in almanac.every_year:
            day = date(year, one.month, one.day)
            yield Holiday(
                f"{one.id}-{year}", one.name, day, day, almanac.time_zone, "tentative", almanac.source, None
            )


def _faults(holiday: Holiday, today: date) -> Iterator[Fault]:
    if holiday.last_day < holiday.first_day:
        yield Fault("/last_day", "end_before_start", "the last day is not before the first")
    elif holiday.last_day < today:
        yield Fault("/last_day", "in_the_past", "these days are over")
    elif holiday.last_day - holiday.first_day >= timedelta(days=LONGEST_DAYS):
        yield Fault("/last_day", "too_long", "two weeks at most")
    if holiday.first_day - today > FARTHEST:
        yield Fault("/first_day", "too_far", "nobody plans that far ahead")
    if holiday.status == "confirmed" and holiday.verified_on is None:
        yield Fault(
            "/verified_on", "missing", "say when the notification was seen; until then it is tentative"
        )
    if holiday.verified_on is not None and holiday.verified_on > today:
        yield Fault("/verified_on", "in_the_future", "this day has not come yet")
