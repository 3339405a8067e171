"""Alarms that change hands: who has one now, and a row for each time with who gave it to whom and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.intake.domain.alarms import Staff, confirmed
from shared.messaging import Transaction

# Of several in one batch each is in the history; the alarm itself is with the last.
SAVE_HOLDERS = """
UPDATE alarms a SET acknowledged_by = n.id, acknowledged_name = n.name, unconfirmed_handover = n.handover_id
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[]) AS n(alarm_id, id, name, handover_id)
WHERE a.alarm_id = n.alarm_id
"""

SAVE = """
INSERT INTO alarm_handovers (handover_id, alarm_id, staff_id, staff_name, from_id, from_name, to_id, to_name, reason,
    handed_over_at)
SELECT *, $10 FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::text[], $9::text[])
"""

# Who gave it and who was to have it were asked before anybody else.
ASKED = """
SELECT handover_id, staff_id FROM (
    SELECT handover_id, from_id AS staff_id, handed_over_at AS at, 0 AS place FROM alarm_handovers
    UNION ALL SELECT handover_id, staff_id, handed_over_at, 1 FROM alarm_handovers
    UNION ALL SELECT handover_id, to_id, handed_over_at, 2 FROM alarm_handovers
    UNION ALL SELECT handover_id, to_id, escalated_at, 3 FROM alarm_escalations
) asked WHERE handover_id = ANY ($1) AND staff_id IS NOT NULL ORDER BY at, place
"""

# Those that nobody had taken; whoever has one is never asked so again.
ASKED_UNTAKEN = """
SELECT alarm_id, to_id FROM alarm_escalations
WHERE alarm_id = ANY ($1) AND handover_id IS NULL AND to_id IS NOT NULL ORDER BY escalated_at, escalation_id
"""

SAVE_ESCALATIONS = """
INSERT INTO alarm_escalations (escalation_id, alarm_id, handover_id, to_id, to_name, escalated_at)
SELECT *, $6 FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[])
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


@dataclass(frozen=True, slots=True)
class Escalated:
    """An alarm that was told to the next on the rota, or to nobody in particular; `handover_id` is None where nobody had
    taken it."""

    escalation_id: UUID
    alarm_id: UUID
    handover_id: UUID | None
    to: Staff | None


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
    last = {one.alarm_id: one for one in handed_over}
    stands = [
        (alarm_id, one.to.id, one.to.name, None if confirmed(one.by, one.to) else one.handover_id)
        for alarm_id, one in last.items()
    ]
    await tx.connection.execute(SAVE_HOLDERS, *zip(*stands, strict=True))


async def asked_so_far(tx: Transaction, handover_ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    """Whom each of these was told to, by their ids, oldest first."""
    found: dict[UUID, list[str]] = {handover_id: [] for handover_id in handover_ids}
    for record in await tx.connection.fetch(ASKED, list(found)) if found else []:
        found[record["handover_id"]].append(record["staff_id"])
    return found


async def asked_for_untaken(tx: Transaction, alarm_ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    """Whom each of these alarms that nobody has was told to, by their ids, oldest first."""
    found: dict[UUID, list[str]] = {alarm_id: [] for alarm_id in alarm_ids}
    for record in await tx.connection.fetch(ASKED_UNTAKEN, list(found)) if found else []:
        found[record["alarm_id"]].append(record["to_id"])
    return found


async def save_escalations(tx: Transaction, escalated: Sequence[Escalated]) -> None:
    """For the history of the alarm."""
    if escalated:
        rows = [
            (one.escalation_id, one.alarm_id, one.handover_id, one.to and one.to.id, one.to and one.to.name)
            for one in escalated
        ]
        await tx.connection.execute(SAVE_ESCALATIONS, *zip(*rows, strict=True), tx.now)
