"""How to reach the person of an alarm, sealed; and who asked to read it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.intake.domain.alarms import Staff
from shared.messaging import Transaction

BOXES = """
SELECT a.alarm_id, a.person_id, a.contact_box, t.box, t.version, t.channel, t.language, t.script, t.owner,
    t.safe_windows, coalesce(t.time_zone, 'Asia/Karachi') AS time_zone
FROM alarms a LEFT JOIN contacts t USING (person_id) WHERE a.alarm_id = ANY ($1)
"""

SAVE_READINGS = """
INSERT INTO alarm_contact_readings (reading_id, alarm_id, staff_id, staff_name, read_at)
SELECT *, $5 FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[])
"""


@dataclass(frozen=True, slots=True)
class SealedReach:
    """`contact_box` was sealed for the alarm; `box` is the case's own address, in the clear but for `address`."""

    alarm_id: UUID
    person_id: UUID
    contact_box: str | None
    box: str | None
    version: int | None
    known: dict[str, Any]


async def boxes(tx: Transaction, alarm_ids: Sequence[UUID]) -> dict[UUID, SealedReach]:
    """Of the alarms there are."""
    records = await tx.connection.fetch(BOXES, list(set(alarm_ids)))
    return {r["alarm_id"]: _sealed(dict(r)) for r in records}


async def save_readings(tx: Transaction, readings: Sequence[tuple[UUID, Staff]]) -> None:
    """Who reads, before anything is opened."""
    if readings:
        rows = [(tx.new_id(), alarm_id, staff.id, staff.name) for alarm_id, staff in readings]
        await tx.connection.execute(SAVE_READINGS, *zip(*rows, strict=True), tx.now)


def _sealed(row: dict[str, Any]) -> SealedReach:
    return SealedReach(
        row.pop("alarm_id"),
        row.pop("person_id"),
        row.pop("contact_box"),
        row.pop("box"),
        row.pop("version"),
        known=row,
    )
