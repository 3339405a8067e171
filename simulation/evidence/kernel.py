"""The kernel's tables of every service: what was said, what was read, what is left over."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from simulation.figures import Leftovers
from simulation.history.facts import Reading, Record

SCHEMAS = ("intake", "matching", "scheduling", "notifications", "partners", "console")

SAID = "SELECT topic, key, next - 1 AS last FROM {schema}.streams WHERE $1::text[] IS NULL OR key = ANY ($1)"
READINGS = "SELECT DISTINCT '{schema}' AS service, grp, topic FROM {schema}.offsets"
REACHED = """
SELECT '{schema}' AS service, grp, topic, key, last FROM {schema}.positions
WHERE $1::text[] IS NULL OR key = ANY ($1)
"""
READ = "SELECT '{schema}' AS service, grp, event_id FROM {schema}.inbox WHERE event_id = ANY ($1)"
LEFTOVERS = """
SELECT (SELECT count(*) FROM {schema}.outbox), (SELECT count(*) FROM {schema}.dead_letters WHERE state = 'open'),
    (SELECT coalesce(sum(events), 0)::bigint FROM {schema}.skipped), (SELECT count(*) FROM {schema}.parked),
    (SELECT count(*) FROM {schema}.waiting)
"""
# A reader of a compacted topic has caught up when it has reached the last thing said about every key.
BEHIND = """
SELECT count(*) FROM {producer}.streams s
WHERE s.topic = $1 AND NOT EXISTS (
    SELECT FROM {reader}.positions p WHERE p.topic = s.topic AND p.key = s.key AND p.last >= s.next - 1
)
"""


def everywhere(select: str) -> str:
    """The same question to every service's schema."""
    return "\nUNION ALL\n".join(select.replace("{schema}", schema) for schema in SCHEMAS)


async def said(connection: asyncpg.Connection, keys: Sequence[str] | None) -> dict[tuple[str, str], int]:
    """The last sequence given per topic and key."""
    rows = await connection.fetch(everywhere(SAID), keys)
    return {(row["topic"], row["key"]): row["last"] for row in rows}


async def readings(connection: asyncpg.Connection) -> list[Reading]:
    """Which group of which service reads what."""
    return [Reading(*row) for row in await connection.fetch(everywhere(READINGS))]


async def reached(
    connection: asyncpg.Connection, keys: Sequence[str] | None
) -> dict[tuple[str, str, str, str], int]:
    """The last sequence applied per (service, group, topic, key)."""
    rows = await connection.fetch(everywhere(REACHED), keys)
    return {(r["service"], r["grp"], r["topic"], r["key"]): r["last"] for r in rows}


async def read(
    connection: asyncpg.Connection, records: Sequence[Record]
) -> dict[tuple[str, str], frozenset[UUID]]:
    """The ids of these records that each (service, group) has applied."""
    found: dict[tuple[str, str], set[UUID]] = {}
    for row in await connection.fetch(everywhere(READ), [record.event_id for record in records]):
        found.setdefault((row["service"], row["grp"]), set()).add(row["event_id"])
    return {reader: frozenset(ids) for reader, ids in found.items()}


async def leftovers(connection: asyncpg.Connection) -> Leftovers:
    """What lies in outboxes, dead letters, parked and waiting rows, and how many events nobody knew."""
    rows = await connection.fetch(everywhere(LEFTOVERS))
    return Leftovers(*(sum(row[column] for row in rows) for column in range(5)))


async def behind(connection: asyncpg.Connection, producer: str, topic: str, reader: str) -> int:
    """Of how many keys the reader does not know the latest yet."""
    return int(await connection.fetchval(BEHIND.format(producer=producer, reader=reader), topic))
