"""The SQL of what failed for good: dead letters, the block on their key, the events parked behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

BURY = """
INSERT INTO dead_letters (id, grp, topic, partition, record_offset, key, event_id, type, sequence, at,
    traceparent, payload, error, stack)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
"""

BLOCK = """
INSERT INTO blocks (grp, topic, key, kind)
SELECT $1, topic, key, $4 FROM unnest($2::text[], $3::text[]) AS b(topic, key) ORDER BY 2, 3
ON CONFLICT (grp, topic, key) DO UPDATE
SET kind = CASE WHEN blocks.kind = 'dead' THEN 'dead' ELSE excluded.kind END
"""

PARK = """
INSERT INTO parked (grp, topic, key, sequence, event_id, type, at, traceparent, payload)
SELECT $1, * FROM unnest($2::text[], $3::text[], $4::bigint[], $5::uuid[], $6::text[],
    $7::timestamptz[], $8::text[], $9::bytea[]) AS p
ON CONFLICT DO NOTHING
"""

TAKE = """
WITH taken AS (
    DELETE FROM parked p USING unnest($2::text[], $3::text[]) AS k(topic, key)
    WHERE p.grp = $1 AND p.topic = k.topic AND p.key = k.key RETURNING p.*
)
SELECT topic, key, sequence, event_id, type, at, traceparent, payload FROM taken ORDER BY topic, key, sequence
"""

# The row stays the same: a reader who waits for it finds what it says now. One made anew it would not see, for its look began before.
STAY = """
INSERT INTO blocks (grp, topic, key, kind) VALUES ($1, $2, $3, $4)
ON CONFLICT (grp, topic, key) DO UPDATE SET kind = excluded.kind
"""

LIFT = """
DELETE FROM blocks b USING unnest($2::text[], $3::text[]) AS k(topic, key)
WHERE b.grp = $1 AND b.topic = k.topic AND b.key = k.key
"""


@dataclass(frozen=True, slots=True)
class Failed:
    """One record that failed alone twice, or could not be read; its error names no value."""

    topic: str
    partition: int
    offset: int
    key: str
    event_id: UUID | None
    type: str
    sequence: int | None
    at: datetime | None
    traceparent: str | None
    payload: bytes | None
    error: str
    stack: str


@dataclass(frozen=True, slots=True)
class Parked:
    """An event that waits behind a block."""

    topic: str
    key: str
    sequence: int
    event_id: UUID
    type: str
    at: datetime
    traceparent: str | None
    payload: bytes

    @property
    def stream(self) -> tuple[str, str]:
        return self.topic, self.key


async def bury(connection: asyncpg.Connection, letter_id: UUID, group: str, failed: Failed) -> None:
    """Writes the dead letter."""
    await connection.execute(
        BURY,
        letter_id,
        group,
        failed.topic,
        failed.partition,
        failed.offset,
        failed.key,
        failed.event_id,
        failed.type,
        failed.sequence,
        failed.at,
        failed.traceparent,
        failed.payload,
        failed.error,
        failed.stack,
    )


async def block(
    connection: asyncpg.Connection, group: str, streams: Sequence[tuple[str, str]], kind: str
) -> None:
    """From now on later events of these streams are parked; a gap never weakens a dead letter's block."""
    if streams:
        await connection.execute(BLOCK, group, [s[0] for s in streams], [s[1] for s in streams], kind)


async def stay(connection: asyncpg.Connection, group: str, stream: tuple[str, str], kind: str) -> None:
    """Something still waits there, and for this reason now."""
    await connection.execute(STAY, group, *stream, kind)


async def park(connection: asyncpg.Connection, group: str, events: Sequence[Parked]) -> None:
    """Keeps events behind their block."""
    if events:
        await connection.execute(
            PARK,
            group,
            [e.topic for e in events],
            [e.key for e in events],
            [e.sequence for e in events],
            [e.event_id for e in events],
            [e.type for e in events],
            [e.at for e in events],
            [e.traceparent for e in events],
            [e.payload for e in events],
        )


async def take_parked(
    connection: asyncpg.Connection, group: str, streams: Sequence[tuple[str, str]]
) -> list[Parked]:
    """Takes everything parked on these streams, in order."""
    rows = await connection.fetch(TAKE, group, [s[0] for s in streams], [s[1] for s in streams])
    return [Parked(**dict(row)) for row in rows]


async def lift(connection: asyncpg.Connection, group: str, streams: Sequence[tuple[str, str]]) -> None:
    """Removes the blocks."""
    if streams:
        await connection.execute(LIFT, group, [s[0] for s in streams], [s[1] for s in streams])
