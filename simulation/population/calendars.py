"""Working hours: days at a site and days online, early or late shifts, and a pause at noon on Fridays."""

import random
from typing import Any

EARLY, LATE = ("09:00", "17:00"), ("13:00", "21:00")
FRIDAY = 5
ODD, EVEN = (1, 3, 5, 6), (2, 4, 6, 7)
ONLINE_WEEKS = ((1, 2, 3, 4, 5), (1, 2, 4, 6, 7), (1, 3, 5, 6, 7), (2, 3, 4, 5, 6))

Rule = dict[str, Any]


def rules(chance: random.Random, site: str | None) -> list[Rule]:
    """Weekly rules in local wall time; whoever has a site works there on four days and online on the others."""
    shift = chance.choice([EARLY, LATE])
    if site is None:
        return _days(chance.choice(ONLINE_WEEKS), shift, "online", None)
    there = chance.choice([ODD, EVEN])
    elsewhere = tuple(day for day in range(1, 8) if day not in there)
    other = LATE if shift == EARLY else EARLY
    return [*_days(there, shift, "in_person", site), *_days(elsewhere, other, "online", None)]


def _days(days: tuple[int, ...], shift: tuple[str, str], lane: str, site: str | None) -> list[Rule]:
    return [
        {"day": day, "start": start, "end": end, "lane": lane, "site_id": site}
        for day in days
        for start, end in _around_friday_prayer(day, shift)
    ]


def _around_friday_prayer(day: int, shift: tuple[str, str]) -> list[tuple[str, str]]:
    if day != FRIDAY:
        return [shift]
    start, end = shift
    return [(start, "12:30"), ("14:30", end)] if start < "12:30" else [("14:30", end)]
