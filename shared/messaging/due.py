"""The SQL of due rows: anything for later is one, claimed with its state checked again under the lock."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg

PUT = """
INSERT INTO due (kind, key, at, body, traceparent)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::jsonb[], $5::text[]) AS d ORDER BY 1, 2
ON CONFLICT (kind, key) DO UPDATE
SET at = excluded.at, body = excluded.body, traceparent = excluded.traceparent, attempts = 0
"""

CLAIM = """
DELETE FROM due WHERE (kind, key) IN (
    SELECT kind, key FROM due WHERE at <= $3 AND kind = ANY ($1) ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED
) RETURNING kind, key, at, body, traceparent, attempts
"""

HOLD = "SELECT FROM due WHERE kind = $1 AND key = ANY ($2) ORDER BY key FOR UPDATE"
COUNT = "SELECT count(*) FROM due WHERE kind = $1 AND key = ANY ($2)"

# Whoever works a row off now is not waited for: it comes again by its own time.
HASTEN = """
UPDATE due SET at = $3 WHERE (kind, key) IN (
    SELECT kind, key FROM due WHERE kind = $1 AND key = ANY ($2) AND at > $3 ORDER BY key FOR UPDATE SKIP LOCKED
)
"""

# Asked far more often than there is something to do, hence in one round trip and without a transaction.
ANYTHING = "SELECT EXISTS (SELECT FROM due WHERE at <= coalesce($2, now()) AND kind = ANY ($1))"

Row = tuple[str, str, datetime, dict[str, Any], str | None]


async def put(connection: asyncpg.Connection, rows: Sequence[Row]) -> None:
    """Inserts or moves rows; of two rows with one (kind, key) the later one stands."""
    unique = list({(row[0], row[1]): row for row in rows}.values())
    await connection.execute(PUT, *([row[column] for row in unique] for column in range(5)))


async def drop(connection: asyncpg.Connection, kind: str, keys: Sequence[str]) -> None:
    """Takes rows back; unknown keys are no error."""
    await connection.execute("DELETE FROM due WHERE kind = $1 AND key = ANY ($2)", kind, list(keys))


async def hold(connection: asyncpg.Connection, kind: str, keys: Sequence[str]) -> None:
    """Locks these rows. One that was worked off while we waited may have been put back: then once more."""
    locked = -1
    while locked < await connection.fetchval(COUNT, kind, list(keys)):
        locked = len(await connection.fetch(HOLD, kind, list(keys)))


async def hasten(connection: asyncpg.Connection, kind: str, keys: Sequence[str], at: datetime) -> None:
    """Rows that are later than this come by then, with what they carry."""
    await connection.execute(HASTEN, kind, list(keys), at)


async def anything(pool: asyncpg.Pool, kinds: Sequence[str], now: datetime | None) -> bool:
    """Whether a row is due, by the database's clock unless the time is told."""
    return bool(await pool.fetchval(ANYTHING, list(kinds), now))


async def claim(
    connection: asyncpg.Connection, kinds: Sequence[str], limit: int, now: datetime
) -> list[asyncpg.Record]:
    """Takes up to `limit` rows that are due; they are gone when the transaction commits."""
    return list(await connection.fetch(CLAIM, list(kinds), limit, now))


async def postpone(
    connection: asyncpg.Connection, kind: str, key: str, attempts: int, seconds: float
) -> None:
    """A row that failed comes again later."""
    await connection.execute(
        "UPDATE due SET attempts = $3, at = now() + make_interval(secs => $4) WHERE kind = $1 AND key = $2",
        kind, key, attempts, seconds,
    )  # fmt: skip
