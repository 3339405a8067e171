"""What is on its way: outboxes, stored offsets, and what the kernel holds back."""

import asyncpg

from services.console.domain.lag import Stored
from services.console.repository.catalog import over, schemas_with

OUTBOX = """
SELECT {service} AS service, lane, count(*) AS rows, count(DISTINCT (topic, key)) AS keys,
    round(extract(epoch FROM clock_timestamp() - min(at)), 3)::float8 AS oldest_seconds
FROM {schema}.outbox GROUP BY lane
"""
OFFSETS = "SELECT {service} AS service, grp, topic, partition, next FROM {schema}.offsets"
HELD_BACK = """
SELECT {service} AS service, grp AS "group", kind AS why, count(*) AS number,
    round(extract(epoch FROM clock_timestamp() - min(since)), 3)::float8 AS oldest_seconds
FROM {schema}.blocks GROUP BY grp, kind
UNION ALL
SELECT {service}, '', 'waits for a fact', count(*),
    round(extract(epoch FROM clock_timestamp() - min(since)), 3)::float8
FROM {schema}.waiting HAVING count(*) > 0
UNION ALL
SELECT {service}, grp, 'unknown type', sum(events)::bigint, NULL FROM {schema}.skipped GROUP BY grp
"""
STANDING_STILL = """
SELECT {service} AS service, grp AS "group",
    'stands still at ' || string_agg(topic || '/' || partition, ' ' ORDER BY topic, partition) || ': ' || why AS why,
    count(*) AS number, round(extract(epoch FROM clock_timestamp() - min(since)), 3)::float8 AS oldest_seconds
FROM {schema}.halts h GROUP BY grp, h.why
"""


async def outboxes(connection: asyncpg.Connection) -> list[asyncpg.Record]:
    """Per service and lane with rows: rows, keys, age of the oldest in seconds."""
    return await _all(connection, "outbox", OUTBOX)


async def stored_offsets(connection: asyncpg.Connection) -> list[Stored]:
    """Where every group stands."""
    return [Stored(*row) for row in await _all(connection, "offsets", OFFSETS)]


async def held_back(connection: asyncpg.Connection) -> list[asyncpg.Record]:
    """Partitions that nobody goes on with, blocked streams, events that wait for a fact, and events of unknown types,
    counted."""
    return [
        *await _all(connection, "halts", STANDING_STILL),
        *await _all(connection, "blocks", HELD_BACK),
    ]


async def _all(connection: asyncpg.Connection, table: str, select: str) -> list[asyncpg.Record]:
    schemas = await schemas_with(connection, table)
    return list(await connection.fetch(over(schemas, select) + "\nORDER BY 1, 2")) if schemas else []
