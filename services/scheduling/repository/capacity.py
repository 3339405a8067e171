"""The SQL of capacity: whose free hours may have changed, and what was last said of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.scheduling.domain.capacity import Free
from services.scheduling.domain.wall_time import minute_of
from services.scheduling.domain.weeks import first_monday
from shared.messaging import Transaction

# What was not yet visible at the last look was written by a transaction that had not ended then, hence by one at
# or above the lowest that was running: there the next look begins (PostgreSQL manual, 9.28.16, pg_snapshot_xmin).
# Time itself takes hours away and brings new ones, so the longest unseen are looked at too. Weeks that are over are left out, by
# an index of their own: they become more with every week that passes, and what is free lies ahead.
CHANGED = """
WITH changed AS (
    SELECT therapist_id FROM weekly_load WHERE week >= $4 AND changed_by >= $1::text::xid8
    UNION SELECT therapist_id FROM calendars WHERE changed_by >= $1::text::xid8
    UNION SELECT therapist_id FROM therapists WHERE changed_by >= $1::text::xid8
    UNION SELECT r.therapist_id FROM workplaces r JOIN sites s USING (site_id) WHERE s.changed_by >= $1::text::xid8
    UNION SELECT r.therapist_id FROM workplaces r JOIN rooms m USING (site_id) WHERE m.changed_by >= $1::text::xid8
    UNION (SELECT therapist_id FROM capacity WHERE looked_at < $2 ORDER BY looked_at LIMIT $3)
)
SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS begin_next, array_agg(c.therapist_id) AS ids
FROM changed c JOIN therapists USING (therapist_id)
"""

# One turn at a time: of two that count the same therapist, the one that looked first must not speak last.
TAKE_TURN = "SELECT pg_advisory_xact_lock(hashtextextended('scheduling:capacity', 0))"

# Who has hours in a lane in which others were told that nothing is free, or of whom nothing was told yet.
TOLD_FULL = """
SELECT k.therapist_id FROM calendars k LEFT JOIN capacity c USING (therapist_id)
WHERE k.therapist_id = ANY ($1) AND (c.therapist_id IS NULL OR EXISTS (
    SELECT FROM workplaces r WHERE r.therapist_id = k.therapist_id
        AND NOT c.free @> jsonb_build_array(jsonb_build_object('lane', r.lane))
))
"""

AT_SITE = "SELECT DISTINCT therapist_id FROM workplaces WHERE site_id = $1"

SAID = "SELECT therapist_id, free FROM capacity WHERE therapist_id = ANY ($1)"

SAVE = """
INSERT INTO capacity (therapist_id, free, looked_at)
SELECT therapist_id, free::jsonb, $3 FROM unnest($1::uuid[], $2::text[]) AS c(therapist_id, free) ORDER BY 1
ON CONFLICT (therapist_id) DO UPDATE SET free = excluded.free, looked_at = excluded.looked_at
"""


@dataclass(frozen=True, slots=True)
class Changed:
    """Whose free hours may have changed, and where the next look begins."""

    therapist_ids: list[UUID]
    begin_next: str


async def changed(tx: Transaction, begin: str, seen_before: datetime, most: int) -> Changed:
    """Everybody whom something was written about since the look that said `begin`, and the first `most` of those
    who were last looked at before `seen_before`."""
    row = await tx.connection.fetchrow(CHANGED, begin, seen_before, most, first_monday(minute_of(tx.now)))
    return Changed(row["ids"] or [], row["begin_next"])


async def take_turn(tx: Transaction) -> None:
    """Whoever counts and tells has this until the end of the transaction."""
    await tx.connection.execute(TAKE_TURN)


async def told_full(tx: Transaction, therapist_ids: Collection[UUID]) -> list[UUID]:
    """Those of these of whom others do not know an hour in each lane that they have."""
    if not therapist_ids:
        return []
    return [row["therapist_id"] for row in await tx.connection.fetch(TOLD_FULL, list(therapist_ids))]


async def seen_at(tx: Transaction, site_id: UUID) -> list[UUID]:
    """Who has hours at this site."""
    return [row["therapist_id"] for row in await tx.connection.fetch(AT_SITE, site_id)]


async def said(tx: Transaction, therapist_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """What was last said of these, as it was stored."""
    rows = await tx.connection.fetch(SAID, therapist_ids)
    return {row["therapist_id"]: row["free"] for row in rows}


async def save(tx: Transaction, looked_at: Mapping[UUID, tuple[Free, ...]]) -> None:
    """What is free of these now."""
    if looked_at:
        free = [_text(one).decode() for one in looked_at.values()]
        await tx.connection.execute(SAVE, list(looked_at), free, tx.now)


def stored(free: tuple[Free, ...]) -> Any:
    """As it comes back from the database, to compare."""
    return orjson.loads(_text(free))


def _text(free: tuple[Free, ...]) -> bytes:
    return orjson.dumps(free, default=str)  # the driver's UUIDs are not the standard library's
