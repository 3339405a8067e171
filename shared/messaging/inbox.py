"""The SQL of reading: offsets compared and set, event ids known or new, the last sequence per key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from shared.messaging.failures import Fenced

Partition = tuple[str, int]
Stream = tuple[str, str]
S = TypeVar("S", int, str)

STORED = "SELECT topic, partition, next FROM offsets WHERE grp = $1"

START = """
INSERT INTO offsets (grp, topic, partition, next)
SELECT $1, * FROM unnest($2::text[], $3::int[], $4::bigint[]) AS o ON CONFLICT DO NOTHING
"""

# One round trip for all that is asked before a batch is applied. The compare-and-set fences a zombie: who lost the
# partition moves nothing and must roll back. An event id that is known is not inserted, hence not returned. A block
# is locked, so that a redrive cannot lift it between this look and our parking.
BEGIN = """
WITH mine AS (
    SELECT o.topic, o.partition, v.next FROM offsets o
    JOIN unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[]) AS v(topic, partition, expected, next)
        ON o.topic = v.topic AND o.partition = v.partition AND o.next = v.expected
    WHERE o.grp = $1 ORDER BY o.topic, o.partition FOR UPDATE OF o
),
moved AS (
    UPDATE offsets o SET next = mine.next, moved_at = clock_timestamp()
    FROM mine WHERE o.grp = $1 AND o.topic = mine.topic AND o.partition = mine.partition
    RETURNING 1
),
admitted AS (
    INSERT INTO inbox (event_id, grp) SELECT event_id, $1 FROM unnest($6::uuid[]) AS e(event_id)
    ON CONFLICT DO NOTHING RETURNING event_id
),
blocked AS (
    SELECT b.topic, b.key, b.kind FROM blocks b
    JOIN unnest($7::text[], $8::text[]) AS k(topic, key) ON b.topic = k.topic AND b.key = k.key
    WHERE b.grp = $1 ORDER BY b.topic, b.key FOR UPDATE OF b
),
standing AS (
    SELECT k.topic, k.key, p.last, b.kind FROM unnest($7::text[], $8::text[]) AS k(topic, key)
    LEFT JOIN positions p ON p.grp = $1 AND p.topic = k.topic AND p.key = k.key
    LEFT JOIN blocked b ON b.topic = k.topic AND b.key = k.key
    WHERE p.last IS NOT NULL OR b.kind IS NOT NULL
)
SELECT now() AS now, (SELECT count(*) FROM moved) AS moved,
    (SELECT array_agg(event_id) FROM admitted) AS fresh, s.*
FROM (SELECT array_agg(topic) AS topics, array_agg(key) AS keys, array_agg(last) AS lasts,
    array_agg(kind) AS kinds FROM standing) AS s
"""

REACHED = """
INSERT INTO positions (grp, topic, key, last)
SELECT $1, * FROM unnest($2::text[], $3::text[], $4::bigint[]) AS p ORDER BY 2, 3
ON CONFLICT (grp, topic, key) DO UPDATE SET last = greatest(positions.last, excluded.last)
"""

SKIP = """
INSERT INTO skipped (grp, topic, type, events)
SELECT $1, topic, type, count(*) FROM unnest($2::text[], $3::text[]) AS s(topic, type)
GROUP BY topic, type ORDER BY topic, type
ON CONFLICT (grp, topic, type) DO UPDATE
SET events = skipped.events + excluded.events, last_at = clock_timestamp()
"""


async def stored_offsets(connection: asyncpg.Connection, group: str) -> dict[Partition, int]:
    """The next offset to apply, per partition this group has ever read."""
    return {(r["topic"], r["partition"]): r["next"] for r in await connection.fetch(STORED, group)}


async def start_offsets(
    connection: asyncpg.Connection, group: str, beginnings: Mapping[Partition, int]
) -> None:
    """The first start writes where the log begins; an offset once stored is never overwritten here."""
    topics, partitions, offsets = _columns(beginnings)
    await connection.execute(START, group, topics, partitions, offsets)


@dataclass(frozen=True, slots=True)
class Begun:
    """What is known when a batch begins: the database's time, which event ids are new, and per stream the last
    sequence applied and, where it is blocked, why (`dead` or `gap`)."""

    now: datetime
    fresh: set[UUID]
    last: dict[Stream, int]
    blocked: dict[Stream, str]


async def begin(
    connection: asyncpg.Connection,
    group: str,
    moves: Mapping[Partition, tuple[int, int]],
    ids: Sequence[UUID] = (),
    streams: Sequence[Stream] = (),
) -> Begun:
    """Moves (expected, next) per partition, all or none, makes these event ids known, and looks at their streams.

    Raises Fenced when an offset is not as expected.
    """
    ordered = sorted(moves.items())
    row = await connection.fetchrow(
        BEGIN,
        group,
        [topic for (topic, _), _ in ordered],
        [partition for (_, partition), _ in ordered],
        [expected for _, (expected, _) in ordered],
        [following for _, (_, following) in ordered],
        sorted(ids),
        [topic for topic, _ in streams],
        [key for _, key in streams],
    )
    if row["moved"] != len(ordered):
        raise Fenced(group)
    known = list(zip(row["topics"] or (), row["keys"] or (), strict=True))
    last = {stream: last for stream, last in zip(known, row["lasts"] or (), strict=True) if last is not None}
    blocked = {
        stream: kind for stream, kind in zip(known, row["kinds"] or (), strict=True) if kind is not None
    }
    return Begun(row["now"], set(row["fresh"] or ()), last, blocked)


async def reached(connection: asyncpg.Connection, group: str, last: Mapping[Stream, int]) -> None:
    """Writes the last sequence per stream."""
    if last:
        await connection.execute(*reaching(group, last))


def reaching(group: str, last: Mapping[Stream, int]) -> tuple[Any, ...]:
    """The statement that writes the last sequence per stream, and its arguments."""
    return REACHED, group, *_columns(last)


async def count_skipped(connection: asyncpg.Connection, group: str, types: Sequence[Stream]) -> None:
    """Counts events of types nobody here knows, as (topic, type)."""
    if types:
        await connection.execute(SKIP, group, [t[0] for t in types], [t[1] for t in types])


def _columns(rows: Mapping[tuple[str, S], int]) -> tuple[list[str], list[S], list[int]]:
    ordered = sorted(rows.items())
    return [k[0] for k, _ in ordered], [k[1] for k, _ in ordered], [v for _, v in ordered]
