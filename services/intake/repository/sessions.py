"""Coming back: cases and those who take part by their code, and wrong tries, counted alike for codes that exist and codes that do not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from services.intake.domain.sessions import FORGOTTEN_AFTER, Tries
from services.intake.domain.taking_part import Role, role_of
from shared.messaging import Transaction

# Of those who take part whoever agreed, while there is something to take part in. Should a code be both (one in 10**8 at
# a million attendees), it is the asker's, who come last.
HOLDERS = """
SELECT a.code, a.case_id, a.attendee_id, a.role FROM attendees a
WHERE a.code = ANY ($1) AND a.consent = 'given'
    AND NOT EXISTS (SELECT FROM withdrawals w WHERE w.case_id = a.case_id)
UNION ALL
SELECT case_code, case_id, attendee_id, NULL FROM cases WHERE case_code = ANY ($1)
ORDER BY role
"""

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
    """Whose PIN opens a case: whoever asked, or somebody who takes part, who see a view of their own."""

    case_id: UUID
    attendee_id: UUID
    role: Literal["person"] | Role = "person"

    @property
    def subject(self) -> UUID:
        """What their PIN is made of."""
        return self.case_id if self.role == "person" else self.attendee_id


async def holders(tx: Transaction, codes: Sequence[str]) -> dict[str, Holder]:
    """Those who may come back, by their code."""
    records = await tx.connection.fetch(HOLDERS, list(codes))
    return {
        r["code"]: Holder(r["case_id"], r["attendee_id"], role_of(r["role"]) if r["role"] else "person")
        for r in records
    }


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
