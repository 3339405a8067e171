"""Who asks for help: their case if there is one, locked, so that of two calls at once one raises the alarm."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from services.intake.domain.help import RULE, Caller
from shared.messaging import Transaction

LOCK = """
SELECT c.case_id, c.case_code, c.person_id, c.card_language,
    ARRAY(SELECT jsonb_array_elements_text(c.needs -> 'languages')) AS languages,
    coalesce(t.channel <> 'inbox', false) AND NOT EXISTS (
        SELECT FROM vault.stops s WHERE s.person_id = c.person_id AND s.purpose = 'contact'
    ) AS contactable
FROM cases c LEFT JOIN contacts t USING (person_id)
WHERE c.case_id = ANY ($1) OR c.case_code = ANY ($2)
ORDER BY c.case_id
FOR NO KEY UPDATE OF c
"""

# Read under the lock, by a statement of its own: one that waited still sees what was there before it began to wait.
OPEN_CALLS = (
    f"SELECT case_id, alarm_id FROM alarms WHERE case_id = ANY ($1) AND rule = '{RULE}' AND state <> 'closed'"
)

# From now on the card stands beside how the case stands.
MARK = "UPDATE cases SET alarmed = true WHERE case_id = ANY ($1) AND NOT alarmed"


async def lock_callers(tx: Transaction, case_ids: Sequence[UUID], codes: Sequence[str]) -> list[Caller]:
    """Those of these cases that exist, locked in the order of their ids."""
    rows = await tx.connection.fetch(LOCK, list(case_ids), list(codes))
    ids = [row["case_id"] for row in rows]
    calls = await tx.connection.fetch(OPEN_CALLS, ids) if ids else []
    calling = {row["case_id"]: row["alarm_id"] for row in calls}
    return [_caller(row, calling.get(row["case_id"])) for row in rows]


async def mark_alarmed(tx: Transaction, case_ids: Sequence[UUID]) -> None:
    """Cases under lock whose person asked for help."""
    if case_ids:
        await tx.connection.execute(MARK, list(case_ids))


def _caller(row: asyncpg.Record, open_call: UUID | None) -> Caller:
    return Caller(
        row["case_id"],
        row["case_code"],
        row["person_id"],
        row["card_language"],
        tuple(row["languages"]),
        row["contactable"],
        open_call,
    )
