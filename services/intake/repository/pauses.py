"""Who paused a case and who let it go on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.intake.domain.alarms import Staff
from shared.messaging import Transaction

SAVE = """
INSERT INTO pauses (pause_id, case_id, act, role, staff_id, staff_name, until, at)
SELECT *, $8 FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
"""


@dataclass(frozen=True, slots=True)
class By:
    """Who did it: the person, a named coordinator for them, or the clock."""

    role: Literal["person", "coordinator", "clock"]
    staff: Staff | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """One pause, with its date if it has one, or one end of a pause."""

    case_id: UUID
    act: Literal["paused", "resumed"]
    by: By
    until: datetime | None = None


async def save_acts(tx: Transaction, acts: Sequence[Act]) -> None:
    """For whoever asks later why a case did not go on."""
    if acts:
        rows = [
            (
                tx.new_id(),
                one.case_id,
                one.act,
                one.by.role,
                one.by.staff and one.by.staff.id,
                one.by.staff and one.by.staff.name,
                one.until,
            )
            for one in acts
        ]
        await tx.connection.execute(SAVE, *zip(*rows, strict=True), tx.now)
