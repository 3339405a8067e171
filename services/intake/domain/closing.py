"""Ending a case by staff: what has to be seen to before, and that twice is once."""

from typing import Literal

from services.intake.domain.wishes import KeptRequest

Refused = Literal["stale", "alarm_open"]


def may_close(before: KeptRequest, seen_version: int) -> Refused | None:
    """Why it may not be closed now; None where it may, or has ended already. Somebody who may be in danger is seen to
    first, by name: a closed case is looked at by nobody."""
    if before.closed:
        return None
    if before.alarm_open:
        return "alarm_open"
    return "stale" if before.version != seen_version else None
