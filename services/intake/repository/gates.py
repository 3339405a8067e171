"""Gates that alarms closed: whose they are, whether care was asked for at all, and what a human decided."""

from collections.abc import Collection, Sequence
from uuid import UUID

from services.intake.domain.wishes import KeptRequest
from shared.messaging import Transaction

CASES = "SELECT DISTINCT case_id FROM alarms WHERE alarm_id = ANY ($1)"

# A call for help opens a case without any consent; the latest word of its person counts.
ASKED = """
SELECT c.case_id FROM cases c WHERE c.case_id = ANY ($1) AND 'given' = (
    SELECT k.state FROM consents k WHERE k.person_id = c.person_id AND k.purpose = 'care' ORDER BY k.at DESC LIMIT 1
)
"""

SAVE = """
UPDATE cases c SET paused_for = n.paused_for, gate_since = n.gate_since
FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS n(case_id, paused_for, gate_since)
WHERE c.case_id = n.case_id
"""

# Whoever was paused and calls for help waits for a human again. Of cases under lock.
WAIT_AGAIN = """
UPDATE cases SET paused_for = NULL, gate_since = $2, request_version = request_version + 1
WHERE case_id = ANY ($1) AND paused_for IS NOT NULL
"""


async def cases_of(tx: Transaction, alarm_ids: Sequence[UUID]) -> list[UUID]:
    """The cases of the alarms there are; an alarm stays with its case, so nothing needs to be locked for it."""
    return [record["case_id"] for record in await tx.connection.fetch(CASES, list(set(alarm_ids)))]


async def asked_for_care(tx: Transaction, case_ids: Collection[UUID]) -> set[UUID]:
    """Those of these cases whose person agreed to care."""
    records = await tx.connection.fetch(ASKED, list(case_ids)) if case_ids else []
    return {record["case_id"] for record in records}


async def save_gates(tx: Transaction, decided: Sequence[KeptRequest]) -> None:
    """Beside `requests.save_requests`: for what a case is paused, and since when."""
    if decided:
        rows = [(one.case_id, one.paused_for, one.gate_since) for one in decided]
        await tx.connection.execute(SAVE, *zip(*rows, strict=True))


async def wait_again(tx: Transaction, case_ids: Sequence[UUID]) -> None:
    """Cases under lock whose person calls for help now."""
    if case_ids:
        await tx.connection.execute(WAIT_AGAIN, list(case_ids), tx.now)
