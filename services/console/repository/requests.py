"""Requests to the process that has the handlers: rows it serves, with who asked and why."""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import uuid_utils

from services.console.repository.catalog import over, schemas_with

ASK = """
INSERT INTO {schema}.operator_requests (id, grp, action, target, reason, requested_by)
VALUES ($1, $2, $3, $4, $5, $6)
"""
ANSWER = "SELECT state, result FROM {schema}.operator_requests WHERE id = $1"
# The group's offsets say which service reads as this group.
GROUPS = 'SELECT DISTINCT {service} AS service, grp AS "group" FROM {schema}.offsets'
POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Wish:
    """What one operator asks of the process that serves this group: redrive, discard or rebuild."""

    service: str
    group: str
    action: str
    target: dict[str, Any]
    by: str
    reason: str | None


async def ask(connection: asyncpg.Connection, wish: Wish) -> UUID:
    """Writes down what an operator wants of a service's process; returns the request's id."""
    request = UUID(bytes=uuid_utils.uuid7().bytes)
    sql = over([wish.service], ASK)
    await connection.execute(sql, request, wish.group, wish.action, wish.target, wish.reason, wish.by)
    return request


async def answered(
    connection: asyncpg.Connection, service: str, request: UUID, seconds: float
) -> tuple[str, str | None]:
    """State and result of a request; the state is still `asked` when nobody served it in time."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while True:
        row = await connection.fetchrow(over([service], ANSWER), request)
        if row["state"] != "asked" or loop.time() > until:
            return row["state"], row["result"]
        await asyncio.sleep(POLL_SECONDS)


async def groups(connection: asyncpg.Connection) -> list[tuple[str, str]]:
    """Every (service, group) that has ever read something."""
    schemas = await schemas_with(connection, "offsets")
    rows = await connection.fetch(over(schemas, GROUPS) + "\nORDER BY 1, 2") if schemas else []
    return [(row["service"], row["group"]) for row in rows]
