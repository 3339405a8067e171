"""What is work for operators in all services: dead letters that are open, and what became of those we knew as open; groups that
stand still."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.console.repository.catalog import over, schemas_with
from shared.messaging import Transaction

LETTER, READER = "dead_letter", "reader_stopped"
MOST = 1000  # of each state, at one look

LETTERS = """
SELECT {service} AS service, d.id, d.topic, d.key, d.failed_at, d.state, d.settled_at, d.settled_by
FROM {schema}.dead_letters d WHERE d.state = 'open' OR d.id = ANY ($1)
"""
READERS = "SELECT {service} AS service, grp, min(since) AS since FROM {schema}.halts GROUP BY grp"
OURS = "SELECT task_id FROM tasks WHERE kind = $1 AND queue = 'data' AND state <> 'done' ORDER BY due_by LIMIT $2"


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter: whose, what it is about, and who has settled it how."""

    service: str
    id: UUID
    topic: str
    key: str
    failed_at: datetime
    state: str
    settled_at: datetime | None
    settled_by: str | None


@dataclass(frozen=True, slots=True)
class Reader:
    """A group of a service that does not go on with one partition or more until a human has looked."""

    service: str
    group: str
    since: datetime


async def known(tx: Transaction, kind: str) -> set[UUID]:
    """Those of this kind that are on the worklist."""
    return {row["task_id"] for row in await tx.connection.fetch(OURS, kind, MOST)}


async def letters(tx: Transaction, known: set[UUID]) -> list[Letter]:
    """Open ones of all services, the oldest first, and these whatever became of them."""
    schemas = await schemas_with(tx.connection, "dead_letters")
    sql = over(schemas, LETTERS) + f"\nORDER BY failed_at LIMIT {2 * MOST}"
    return [Letter(**dict(row)) for row in await tx.connection.fetch(sql, list(known))] if schemas else []


async def stopped(tx: Transaction) -> list[Reader]:
    """Groups of all services that stand still."""
    schemas = await schemas_with(tx.connection, "halts")
    return [Reader(*row) for row in await tx.connection.fetch(over(schemas, READERS))] if schemas else []
