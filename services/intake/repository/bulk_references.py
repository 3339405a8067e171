"""What senders call their requests: claimed once, for ever; one statement for a batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.messaging import Transaction

# Who claims the same reference elsewhere is waited for; all claim in one order, so nobody waits in a circle.
CLAIM = """
INSERT INTO bulk_references (reference, body_hash, case_id, sender, at)
SELECT reference, body_hash, case_id, $4, $5
FROM unnest($1::bytea[], $2::bytea[], $3::uuid[]) AS r(reference, body_hash, case_id)
ORDER BY reference
ON CONFLICT (reference) DO NOTHING
RETURNING reference
"""

FIND = """
SELECT r.reference, r.body_hash, r.case_id, c.case_code, c.alarmed
FROM bulk_references r LEFT JOIN cases c USING (case_id)
WHERE r.reference = ANY ($1::bytea[])
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A reference (as its keyed hash), the request it was given to, and the case that is to follow."""

    reference: bytes
    body_hash: bytes
    case_id: UUID


@dataclass(frozen=True, slots=True)
class Earlier:
    """A reference that was given before; no case code where the case is no more."""

    body_hash: bytes
    case_id: UUID
    case_code: str | None
    alarmed: bool


async def claim(tx: Transaction, sender: str, claims: Sequence[Claim]) -> set[bytes]:
    """The references that were free and are this transaction's now; each may be claimed once in a call."""
    records = await tx.connection.fetch(
        CLAIM,
        [one.reference for one in claims],
        [one.body_hash for one in claims],
        [one.case_id for one in claims],
        sender,
        tx.now,
    )
    return {record["reference"] for record in records}


async def find(tx: Transaction, references: Sequence[bytes]) -> Mapping[bytes, Earlier]:
    """What these references were given to."""
    if not references:
        return {}
    records = await tx.connection.fetch(FIND, references)
    return {
        r["reference"]: Earlier(r["body_hash"], r["case_id"], r["case_code"], bool(r["alarmed"]))
        for r in records
    }
