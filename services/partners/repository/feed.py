"""The feed by position, the bookings as of a position, and forgetting what nobody may read any more."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

from services.partners.domain.feed import PAST, WALK, Feed, Told, Walk
from shared.messaging import Transaction

# One statement, so one state of the database: what is forgotten meanwhile cannot leave a gap in what is shown.
PAGE = """
SELECT o.position AS last, o.forgotten, t.position, t.type, t.told_at, t.booking_ref, t.said
FROM organisations o LEFT JOIN LATERAL (
    SELECT * FROM told WHERE organisation = o.organisation AND position > $2 AND position > 0
    ORDER BY position LIMIT $3
) t ON true
WHERE o.organisation = $1 ORDER BY t.position
"""
LAST = "SELECT organisation, position FROM organisations WHERE organisation = ANY ($1)"

AS_OF = """
SELECT position, type, told_at, booking_ref, said FROM told
WHERE organisation = $1 AND position <= $2 AND (until IS NULL OR until > $2) AND booking_ref > $3
    AND live AND ends_at > $4
ORDER BY booking_ref LIMIT $5
"""

FORGET = """
UPDATE organisations o SET forgotten = old.position
FROM (SELECT organisation, max(position) AS position FROM told WHERE told_at < now() - $1::interval GROUP BY 1) old
WHERE old.organisation = o.organisation AND old.position > o.forgotten
"""
# What still stands is kept for the snapshot, and what has just been replaced for those who walk through it.
REMOVE = """
DELETE FROM told WHERE (organisation, booking_ref, version) IN (
    SELECT organisation, booking_ref, version FROM told
    WHERE told_at < now() - $1::interval AND (
        replaced_at < now() - $2::interval OR (until IS NULL AND (NOT live OR ends_at < now() - $3::interval))
    ) LIMIT $4
)
"""


async def page(tx: Transaction, organisation: str, after: int, limit: int) -> Feed:
    """Up to `limit` events after that position."""
    rows = await tx.connection.fetch(PAGE, organisation, after, limit)
    if not rows:
        return Feed(0, 0, [])
    events = [_told(row) for row in rows if row["position"] is not None]
    return Feed(rows[0]["last"], rows[0]["forgotten"], events)


async def last_positions(tx: Transaction, organisations: Sequence[str]) -> dict[str, int]:
    """How far each organisation has been told."""
    rows = await tx.connection.fetch(LAST, list(organisations))
    return {row["organisation"]: row["position"] for row in rows}


async def bookings_as_of(tx: Transaction, organisation: str, walk: Walk, limit: int) -> list[Told]:
    """Bookings that stand, as they stood at the walk's position, by reference, after the walk's last one."""
    rows = await tx.connection.fetch(AS_OF, organisation, walk.position, walk.after, walk.as_of - PAST, limit)
    return [_told(row) for row in rows]


def sweep(kept: timedelta) -> Callable[[Any, int], Awaitable[bool]]:
    """Forgets what was told longer ago; true when there may be more."""

    async def forget(connection: Any, bite: int) -> bool:
        # One transaction, so one `now`: nothing goes that is not said to be forgotten.
        async with connection.transaction():
            await connection.execute(FORGET, kept)
            gone = await connection.execute(REMOVE, kept, WALK, PAST + WALK, bite)
        return bool(gone == f"DELETE {bite}")

    return forget


def _told(row: Any) -> Told:
    return Told(row["position"], row["type"], row["told_at"], row["booking_ref"], row["said"])
