"""One case in every service's journey view, and what the kernel holds back of it."""

from uuid import UUID

import asyncpg

from services.console.domain.journey import Step, trace_id
from services.console.repository.catalog import over, schemas_with

STEPS = "SELECT {service} AS service, at, step, detail, waits_for, traceparent FROM {schema}.journey WHERE case_id = $1"
HELD_BACK = """
SELECT {service} || ': ' || topic || ' is blocked (' || kind || ') since ' || since AS why
FROM {schema}.blocks WHERE key = $1
UNION ALL
SELECT {service} || ': ' || type || ' waits for ' || split_part(fact, ':', 1) FROM {schema}.waiting WHERE key = $1
UNION ALL
SELECT {service} || ': ' || type || ' is not sent yet' FROM {schema}.outbox WHERE key = $1
UNION ALL
SELECT {service} || ': dead letter ' || id || ' (' || type || ')' FROM {schema}.dead_letters
WHERE key = $1 AND state = 'open'
"""


async def find_case(connection: asyncpg.Connection, case_code: str) -> UUID | None:
    """The case behind a code, in the spelling it is kept in."""
    found: UUID | None = await connection.fetchval(
        "SELECT case_id FROM intake.cases WHERE case_code = $1", case_code
    )
    return found


async def steps(connection: asyncpg.Connection, case_id: UUID) -> list[Step]:
    """What every service's own tables say of the case."""
    schemas = await schemas_with(connection, "journey")
    rows = await connection.fetch(over(schemas, STEPS), case_id) if schemas else []
    return [
        Step(r["at"], r["service"], r["step"], r["detail"] or "", r["waits_for"], trace_id(r["traceparent"]))
        for r in rows
    ]


async def held_back(connection: asyncpg.Connection, key: str) -> list[str]:
    """Why the kernel holds something of this key back, in words."""
    schemas = await schemas_with(connection, "outbox")
    return [row["why"] for row in await connection.fetch(over(schemas, HELD_BACK), key)] if schemas else []
