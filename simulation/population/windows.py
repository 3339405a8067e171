"""Safe windows relative to the run: whoever starts a demo at night must see messages all the same.

A quarter of the people names none, which means the usual hours, nine to nine. They are there by day alone: at night they
would be a quarter of the country that hears nothing, where four of five are to hear at once.
"""

import random
from datetime import datetime

OPEN_NOW = 0.80
UNNAMED = 0.355  # of those whose hours are open and not narrow: a quarter of all
BY_DAY = range(9 * 60, 20 * 60)  # the usual hours are open, and will be for an hour
DAY = 1440
# A closed window stays closed for longer than any run takes.
CLOSED_FOR = (180, 720)

Windows = list[dict[str, int | str]]


def safe_windows(chance: random.Random, now: datetime, *, narrow: bool) -> tuple[Windows, bool]:
    """Weekly windows around or after `now` (local wall time), none for the usual hours, and whether one is open now.

    A narrow one is two hours a day. What passes midnight is written as two windows, because a window ends on
    the day on which it starts.
    """
    minute = now.hour * 60 + now.minute
    is_open = chance.random() < OPEN_NOW
    if is_open:
        start, length = (
            (minute - 60, 120) if narrow else (minute - chance.randint(60, 300), chance.randint(420, 720))
        )
    else:
        start, length = minute + chance.randint(*CLOSED_FOR), 120 if narrow else chance.randint(120, 360)
    unnamed = chance.random() < UNNAMED  # drawn at every hour, so that it changes nobody else's
    if unnamed and is_open and not narrow and minute in BY_DAY:
        return [], True
    return daily(start % DAY, length), is_open


def daily(start: int, length: int) -> Windows:
    """The same hours on every day of the week."""
    parts = [(start, min(start + length, DAY))]
    if start + length > DAY:
        parts.append((0, start + length - DAY))
    return [
        {"day": day, "start": wall_time(begin), "end": wall_time(end)}
        for day in range(1, 8)
        for begin, end in parts
    ]


def wall_time(minute: int) -> str:
    """Minutes after midnight as HH:MM; the end of the day is 24:00."""
    return f"{minute // 60:02}:{minute % 60:02}"
