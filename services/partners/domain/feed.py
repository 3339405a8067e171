"""How far back a partner may read, and where it has to begin again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

# A walk through the snapshot's pages takes minutes; what has changed meanwhile is kept for as long as one may take.
WALK = timedelta(days=1)
# The snapshot shows what stands until so long after its hour: whoever was away learns how it went, and it ends somewhere.
PAST = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Told:
    """One place of the feed: an event as it is told; `said` is its data."""

    position: int
    type: str
    told_at: datetime
    booking_ref: str
    said: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Feed:
    """Events after a position, in order and without gaps; `last` is the organisation's last position."""

    last: int
    forgotten: int
    events: list[Told]


@dataclass(frozen=True, slots=True)
class Walk:
    """Where a walk through the snapshot is: every page is of the same position and moment."""

    position: int
    as_of: datetime
    after: str


def fits(after: int, feed: Feed) -> Literal["fits", "gone", "ahead"]:
    """Whether whoever has read up to `after` can go on: not where something in between is no longer kept, nor where it
    was never told so far (by us as we are now: a database may have been restored)."""
    if after > feed.last:
        return "ahead"
    return "gone" if after < feed.forgotten else "fits"


def may_go_on(walk: Walk, last: int, now: datetime) -> bool:
    """Whether every page of this walk can still be shown as it stood."""
    return 0 <= walk.position <= last and now - WALK <= walk.as_of <= now
