"""Dead letters of all services as work for operators: those that are open, and what became of those we knew as open."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.console.repository.catalog import over, schemas_with
from shared.messaging import Transaction

KIND = "dead_letter"
MOST = 1000  # of each state, at one look

LETTERS = """
SELECT {service} AS service, d.id, d.topic, d.key, d.failed_at, d.state, d.settled_at, d.settled_by
FROM {schema}.dead_letters d WHERE d.state = 'open' OR d.id = ANY ($1)
"""
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


async def known(tx: Transaction) -> set[UUID]:
    """Those that are on the worklist."""
    return {row["task_id"] for row in await tx.connection.fetch(OURS, KIND, MOST)}


async def letters(tx: Transaction, known: set[UUID]) -> list[Letter]:
    """Open ones of all services, the oldest first, and these whatever became of them."""
    schemas = await schemas_with(tx.connection, "dead_letters")
    sql = over(schemas, LETTERS) + f"\nORDER BY failed_at LIMIT {2 * MOST}"
    return [Letter(**dict(row)) for row in await tx.connection.fetch(sql, list(known))] if schemas else []
