"""Which other help was offered to whom, and for which wait."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.matching.domain.alternatives import AlternativeKind
from shared.messaging import Transaction

OFFER = """
INSERT INTO alternatives (case_id, reason, kind, attempt, offered_at)
SELECT case_id, reason, kind, attempt, $5
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[]) AS a(case_id, reason, kind, attempt) ORDER BY case_id
ON CONFLICT (case_id, reason) DO NOTHING RETURNING case_id
"""


@dataclass(frozen=True, slots=True)
class Alternative:
    """Offered once for each reason for which a case waits."""

    case_id: UUID
    reason: str
    kind: AlternativeKind
    attempt: int


async def offer(tx: Transaction, rows: Sequence[Alternative]) -> set[UUID]:
    """Keeps what is offered; returns the cases to which it was not offered before. One row per case."""
    if not rows:
        return set()
    found = await tx.connection.fetch(
        OFFER,
        [row.case_id for row in rows],
        [row.reason for row in rows],
        [row.kind for row in rows],
        [row.attempt for row in rows],
        tx.now,
    )
    return {row["case_id"] for row in found}
