"""Dead letters of all services; never their payload."""

from uuid import UUID

import asyncpg

from services.console.repository.catalog import over, schemas_with

LETTERS = """
SELECT {service} AS service, d.id, d.grp AS "group", d.topic, d.key, d.type, d.sequence, d.failed_at, d.state,
    d.error, d.settled_by, d.reason, d.traceparent,
    (SELECT count(*) FROM {schema}.parked p WHERE p.grp = d.grp AND p.topic = d.topic AND p.key = d.key) AS parked
FROM {schema}.dead_letters d
"""
ONE = """
SELECT {service} AS service, id, grp AS "group", topic, partition, record_offset, key, event_id, type, sequence, at,
    traceparent, error, stack, failed_at, state, settled_at, settled_by, reason
FROM {schema}.dead_letters WHERE id = $1
"""


async def dead_letters(connection: asyncpg.Connection, *, settled: bool) -> list[asyncpg.Record]:
    """Open ones of all services, the oldest first; with `settled` those that were dealt with too."""
    schemas = await schemas_with(connection, "dead_letters")
    where = "" if settled else "WHERE d.state = 'open'"
    rows = await connection.fetch(over(schemas, LETTERS + where) + "\nORDER BY failed_at") if schemas else []
    return list(rows)


async def dead_letter(connection: asyncpg.Connection, letter_id: UUID) -> asyncpg.Record | None:
    """One dead letter with its place in the log and its stack, never its payload."""
    schemas = await schemas_with(connection, "dead_letters")
    return await connection.fetchrow(over(schemas, ONE), letter_id) if schemas else None
