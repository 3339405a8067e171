"""Alarms that change hands: who has one now, and a row for each time with who gave it to whom and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.intake.domain.alarms import Staff
from shared.messaging import Transaction

# Of several in one batch each is in the history; the alarm itself is with the last.
SAVE_HOLDERS = """
UPDATE alarms a SET acknowledged_by = n.id, acknowledged_name = n.name
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS n(alarm_id, id, name) WHERE a.alarm_id = n.alarm_id
"""

SAVE = """
INSERT INTO alarm_handovers (handover_id, alarm_id, staff_id, staff_name, from_id, from_name, to_id, to_name, reason,
    handed_over_at)
SELECT *, $10 FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::text[], $9::text[])
"""

HOLDERS = """
SELECT alarm_id, acknowledged_by, acknowledged_name FROM alarms
WHERE alarm_id = ANY ($1) AND acknowledged_by IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class HandedOver:
    """`by` gave it from one to another; the reason stays in its row."""

    handover_id: UUID
    alarm_id: UUID
    case_id: UUID
    by: Staff
    holder: Staff
    to: Staff
    reason: str


async def holders(tx: Transaction, alarm_ids: Sequence[UUID]) -> dict[UUID, Staff]:
    """Who has each of these alarms, where anybody has it; they are locked."""
    records = await tx.connection.fetch(HOLDERS, list(alarm_ids)) if alarm_ids else []
    return {r["alarm_id"]: Staff(r["acknowledged_by"], r["acknowledged_name"]) for r in records}


async def save_handovers(tx: Transaction, handed_over: Sequence[HandedOver]) -> None:
    """In the order in which they were made."""
    if not handed_over:
        return
    rows = [
        (
            one.handover_id,
            one.alarm_id,
            one.by.id,
            one.by.name,
            one.holder.id,
            one.holder.name,
            one.to.id,
            one.to.name,
            one.reason,
        )
        for one in handed_over
    ]
    await tx.connection.execute(SAVE, *zip(*rows, strict=True), tx.now)
    last = {one.alarm_id: one.to for one in handed_over}
    stands = [(alarm_id, to.id, to.name) for alarm_id, to in last.items()]
    await tx.connection.execute(SAVE_HOLDERS, *zip(*stands, strict=True))
