"""When a human has to tell somebody what no message could: before it is too late, and not while a message may still do."""

from dataclasses import dataclass
from datetime import datetime, timedelta

# From an hour that is further away than this its reminder is still to come, by whatever ways there are then.
NEAR = timedelta(hours=72)
# After these none comes: the hour does not take place, or nobody knows when.
NO_REMINDER = frozenset({"cancelled", "displaced"})
# The last moment that still helps whoever has to set out or to choose, and the least time a human is given.
BEFORE_THE_END, AT_LEAST = timedelta(hours=2), timedelta(minutes=30)
USUALLY_WITHIN = timedelta(hours=24)

KIND = "tell_by_hand"
OUTCOMES = ("told", "not_reached")


@dataclass(frozen=True, slots=True)
class Hour:
    """The appointment that a message was about, as it stands now. What was told of it from `told_since` on is still so."""

    version: int
    start: datetime
    told_since: int


def due_by(purpose: str, version: int, hour: Hour | None, now: datetime) -> datetime | None:
    """By when somebody has to be told by hand; None where nobody has to: the hour has begun or is another one by now, or
    it is far off and its reminder will come. Of an hour that is taken back or has lost its day no reminder comes."""
    if hour is None or not hour.told_since <= version <= hour.version or hour.start <= now:
        return None
    if purpose not in NO_REMINDER and hour.start - now > NEAR:
        return None
    return in_time(hour.start, now)


def due_by_of_offer(expires_at: datetime | None, now: datetime) -> datetime | None:
    """By when somebody has to be told that they may choose; None where there is nothing to choose any more. However far
    its end: no reminder comes, and what is offered may be kept for them for some hours only."""
    return in_time(expires_at, now) if expires_at and expires_at > now else None


def in_time(end: datetime, now: datetime) -> datetime:
    """By when a human should have done it, for it to be of use before `end`."""
    usual = min(now + USUALLY_WITHIN, end - BEFORE_THE_END)
    return min(end, max(usual, now + AT_LEAST))
