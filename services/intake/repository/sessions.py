"""Coming back: cases by their code, and wrong tries, counted alike for codes that exist and codes that do not."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.intake.domain.sessions import FORGOTTEN_AFTER, Tries
from shared.messaging import Transaction

HOLDERS = "SELECT case_code, case_id, attendee_id FROM cases WHERE case_code = ANY ($1)"

# The row is made before it is read, so that tries at the same time wait for one another.
LOCK = """
INSERT INTO session_tries (code, failures, last_failed_at)
SELECT code, 0, $2 FROM unnest($1::text[]) AS t(code) ORDER BY code
ON CONFLICT (code) DO UPDATE SET failures = session_tries.failures
RETURNING code, failures, last_failed_at
"""

SAVE = """
UPDATE session_tries t SET failures = n.failures, last_failed_at = n.last_failed_at
FROM unnest($1::text[], $2::int[], $3::timestamptz[]) AS n(code, failures, last_failed_at)
WHERE t.code = n.code
"""

FORGET = "DELETE FROM session_tries WHERE code = ANY ($1) OR last_failed_at < $2"


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose PIN opens a case."""

    case_id: UUID
    attendee_id: UUID


async def holders(tx: Transaction, codes: Sequence[str]) -> dict[str, Holder]:
    """The cases there are."""
    records = await tx.connection.fetch(HOLDERS, list(codes))
    return {r["case_code"]: Holder(r["case_id"], r["attendee_id"]) for r in records}


async def lock_tries(tx: Transaction, codes: Sequence[str]) -> dict[str, Tries]:
    """What was tried at each code, locked in the order of the codes."""
    records = await tx.connection.fetch(LOCK, sorted(set(codes)), tx.now)
    return {
        r["code"]: Tries(r["code"], r["failures"], r["last_failed_at"] if r["failures"] else None)
        for r in records
    }


async def save_tries(tx: Transaction, tries: Sequence[Tries]) -> None:
    """Keeps what failed and forgets what came right or is old."""
    failed = [one for one in tries if one.failures]
    if failed:
        await tx.connection.execute(
            SAVE,
            [one.code for one in failed],
            [one.failures for one in failed],
            [one.last_failed_at for one in failed],
        )
    right = [one.code for one in tries if not one.failures]
    await tx.connection.execute(FORGET, right, tx.now - FORGOTTEN_AFTER)
