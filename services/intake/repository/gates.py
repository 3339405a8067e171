"""Gates that alarms closed: whose they are, and whether care was asked for at all."""

from collections.abc import Collection, Sequence
from uuid import UUID

from shared.messaging import Transaction

CASES = "SELECT DISTINCT case_id FROM alarms WHERE alarm_id = ANY ($1)"

# A call for help opens a case without any consent; the latest word of its person counts.
ASKED = """
SELECT c.case_id FROM cases c WHERE c.case_id = ANY ($1) AND 'given' = (
    SELECT k.state FROM consents k WHERE k.person_id = c.person_id AND k.purpose = 'care' ORDER BY k.at DESC LIMIT 1
)
"""

# Whoever was paused and calls for help waits for a human again. Of cases under lock.
WAIT_AGAIN = """
UPDATE cases SET paused_for = NULL, paused_until = NULL, gate_since = $2, request_version = request_version + 1
WHERE case_id = ANY ($1) AND paused_for IS NOT NULL RETURNING case_id
"""


async def cases_of(tx: Transaction, alarm_ids: Sequence[UUID]) -> list[UUID]:
    """The cases of the alarms there are; an alarm stays with its case, so nothing needs to be locked for it."""
    return [record["case_id"] for record in await tx.connection.fetch(CASES, list(set(alarm_ids)))]


async def asked_for_care(tx: Transaction, case_ids: Collection[UUID]) -> set[UUID]:
    """Those of these cases whose person agreed to care."""
    records = await tx.connection.fetch(ASKED, list(case_ids)) if case_ids else []
    return {record["case_id"] for record in records}


async def wait_again(tx: Transaction, case_ids: Sequence[UUID]) -> list[UUID]:
    """Cases under lock whose person calls for help now; returns those that were paused."""
    records = await tx.connection.fetch(WAIT_AGAIN, list(case_ids), tx.now) if case_ids else []
    return [record["case_id"] for record in records]
