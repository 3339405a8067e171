"""The SQL of waiting rows: an event that refers to something not yet known is kept, never poison."""

from collections.abc import Sequence

import asyncpg

KEEP = """
INSERT INTO waiting (fact, topic, key, type, traceparent, payload)
SELECT fact, topic, key, type, traceparent, payload
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[]) WITH ORDINALITY
    AS w(fact, topic, key, type, traceparent, payload, ordinal)
ORDER BY ordinal
"""

TAKE = """
WITH taken AS (DELETE FROM waiting WHERE fact = ANY ($1) RETURNING *)
SELECT topic, key, type, traceparent, payload FROM taken ORDER BY id
"""

# Since when the oldest event has waited, in seconds since 1970. By id, which has an index: what came first has waited longest.
OLDEST = "SELECT extract(epoch FROM since)::float8 FROM waiting ORDER BY id LIMIT 1"

Row = tuple[str, str, str, str, str | None, bytes]


async def keep(connection: asyncpg.Connection, rows: Sequence[Row]) -> None:
    """Keeps events in the order given."""
    await connection.execute(KEEP, *([row[column] for row in rows] for column in range(6)))


async def take(connection: asyncpg.Connection, facts: Sequence[str]) -> list[asyncpg.Record]:
    """The events that waited for these facts, oldest first; they are removed."""
    return list(await connection.fetch(TAKE, list(facts)))
