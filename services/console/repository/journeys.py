"""One case in every service's journey view, what the kernel holds back of it, and who reads what is said of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from services.console.domain.journey import Cause, Reading, Step, is_kept, trace_id
from services.console.repository.catalog import over, schemas_with

STEPS = "SELECT {service} AS service, at, step, detail, waits_for, traceparent FROM {schema}.journey WHERE case_id = $1"
HELD_BACK = """
SELECT {service} AS service, 'blocked_key' AS code, topic || ' is blocked (' || kind || ')' AS what, since,
    'group ' || grp AS because
FROM {schema}.blocks WHERE key = $1
UNION ALL
SELECT {service}, 'waiting_fact', type || ' waits for ' || split_part(fact, ':', 1), since, '' FROM {schema}.waiting
WHERE key = $1
UNION ALL
SELECT {service}, 'outbox_not_sent', type || ' is not sent yet', at, 'lane ' || lane FROM {schema}.outbox WHERE key = $1
UNION ALL
SELECT {service}, 'dead_letter', 'dead letter ' || id || ' (' || type || ')', failed_at, 'group ' || grp FROM {schema}.dead_letters
WHERE key = $1 AND state = 'open'
"""
READ = """
SELECT {service} AS service, grp, topic, partition, next FROM {schema}.offsets
WHERE (topic, partition) IN (SELECT * FROM unnest($1::text[], $2::int[]))
"""
FIND = """
SELECT case_id, case_code FROM intake.cases WHERE ($1::uuid IS NOT NULL AND case_id = $1) OR case_code = $2
"""


@dataclass(frozen=True, slots=True)
class Named:
    """A case by what services and by what people call it."""

    case_id: UUID
    code: str


async def find_case(connection: asyncpg.Connection, case: UUID | str) -> Named | None:
    """By its id, or by its code in the spelling it is kept in."""
    by_id, code = (case, None) if isinstance(case, UUID) else (None, case)
    row = await connection.fetchrow(FIND, by_id, code)
    return Named(row["case_id"], row["case_code"]) if row else None


async def steps(connection: asyncpg.Connection, case_id: UUID) -> list[Step]:
    """What every service's own tables say of the case."""
    schemas = await schemas_with(connection, "journey")
    rows = await connection.fetch(over(schemas, STEPS), case_id) if schemas else []
    return [
        Step(
            row["at"],
            row["service"],
            row["step"],
            row["detail"] or "",
            row["waits_for"],
            trace_id(row["traceparent"]),
            is_kept(row["traceparent"]),
        )
        for row in rows
    ]


async def held_back(connection: asyncpg.Connection, key: str) -> list[Cause]:
    """Why the kernel holds something of this key back, the oldest first."""
    schemas = await schemas_with(connection, "outbox")
    sql = over(schemas, HELD_BACK) + "\nORDER BY 4, 1, 2"
    return [Cause(**dict(row)) for row in await connection.fetch(sql, key)] if schemas else []


async def readings(connection: asyncpg.Connection, partitions: Mapping[str, int]) -> list[Reading]:
    """Who has read these partitions, one of each topic."""
    schemas = await schemas_with(connection, "offsets")
    if not schemas:
        return []
    sql = over(schemas, READ) + "\nORDER BY 1, 2, 3"
    rows = await connection.fetch(sql, list(partitions), list(partitions.values()))
    return [Reading(*row) for row in rows]
