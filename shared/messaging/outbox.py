"""The outbox: what a transaction says is written in it, numbered per topic and key."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from shared.postgres import Write

SHARDS = 8

# The streams row of each key is locked, in sorted order, before an outbox id is drawn: so ids rise in
# commit order per topic and key. The draw happens after the join, hence after the lock
# (docs/decisions/0002-streams-row.md).
WRITE = """
WITH said AS MATERIALIZED (
    SELECT * FROM unnest($1::text[], $2::smallint[], $3::text[], $4::text[], $5::uuid[], $6::text[],
        $7::text[], $8::bytea[], $9::int[]) WITH ORDINALITY
        AS s(lane, shard, topic, key, event_id, type, traceparent, payload, turn, ordinal)
),
numbered AS (
    INSERT INTO streams (topic, key, next)
    SELECT topic, key, count(*) + 1 FROM said GROUP BY topic, key ORDER BY topic, key
    ON CONFLICT (topic, key) DO UPDATE SET next = streams.next + excluded.next - 1
    RETURNING topic, key, next
),
counted AS (
    SELECT topic, key, count(*) AS events FROM said GROUP BY topic, key
)
INSERT INTO outbox (lane, shard, topic, key, sequence, event_id, type, traceparent, at, payload)
SELECT s.lane, s.shard, s.topic, s.key, n.next - c.events + s.turn, s.event_id, s.type, s.traceparent,
    $10::timestamptz, s.payload
FROM said s JOIN numbered n USING (topic, key) JOIN counted c USING (topic, key)
ORDER BY s.ordinal
"""

# Never lower: what the service knows better than the log, it has said since.
RAISE = """
INSERT INTO streams (topic, key, next)
SELECT topic, key, last + 1 FROM unnest($1::text[], $2::text[], $3::bigint[]) AS l(topic, key, last)
ORDER BY topic, key
ON CONFLICT (topic, key) DO UPDATE SET next = excluded.next WHERE streams.next < excluded.next
RETURNING topic, key
"""


@dataclass(frozen=True, slots=True)
class Said:
    """One event on its way out; `payload` is its JSON."""

    event_id: UUID
    lane: str
    topic: str
    key: str
    type: str
    traceparent: str | None
    payload: bytes


def writing(events: Sequence[Said], at: datetime) -> Write:
    """Numbers and inserts all events of a transaction, in the order in which they were said."""
    turns: dict[tuple[str, str], int] = {}
    numbers = []
    for event in events:
        stream = (event.topic, event.key)
        turns[stream] = turn = turns.get(stream, -1) + 1
        numbers.append(turn)
    return WRITE, (
        [e.lane for e in events],
        [shard_of(e.topic, e.key) for e in events],
        [e.topic for e in events],
        [e.key for e in events],
        [e.event_id for e in events],
        [e.type for e in events],
        [e.traceparent for e in events],
        [e.payload for e in events],
        numbers,
        at,
    )


async def raise_numbers(
    connection: asyncpg.Connection, last: Mapping[tuple[str, str], int]
) -> set[tuple[str, str]]:
    """Goes on above the last sequence that the log has per (topic, key); returns the streams that were below it.

    For a database that was restored from a backup: its numbers are those of then, its readers know higher ones.
    """
    streams = sorted(last.items())
    raised = await connection.fetch(
        RAISE, [topic for (topic, _), _ in streams], [key for (_, key), _ in streams], [n for _, n in streams]
    )
    return {(row["topic"], row["key"]) for row in raised}


def shard_of(topic: str, key: str) -> int:
    """The outbox shard of a stream: all events of one topic and key have one owner."""
    return zlib.crc32(f"{topic}\x00{key}".encode()) % SHARDS


def partition_of(key: str, partitions: int) -> int:
    """The Kafka partition of a key, from the fixed count of its topic (librdkafka's `consistent` partitioner)."""
    return zlib.crc32(key.encode()) % partitions
