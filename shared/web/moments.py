"""Moments and days from outside: such that UTC can tell them, as databases do. With an offset the first and the last hours of
the calendar lie before or after every year there is."""

from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime
from pydantic_core import PydanticCustomError

OUT_OF_RANGE = PydanticCustomError("out_of_range", "No moment that could be told in UTC.")
# Wherever the day is, and whatever its clock does, it begins and ends in a year that there is.
FIRST_DAY, LAST_DAY = date(2, 1, 1), date(9998, 12, 31)


def in_utc(at: datetime) -> datetime:
    """The same, if UTC can tell it. Raises ValueError."""
    try:
        at.astimezone(UTC)
    except OverflowError:
        raise OUT_OF_RANGE from None
    return at


def _whole_in_utc(day: date) -> date:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise OUT_OF_RANGE
    return day


Moment = Annotated[AwareDatetime, AfterValidator(in_utc)]
Day = Annotated[date, AfterValidator(_whole_in_utc)]
