"""The rota: shifts that were entered and taken back, and who is on at a moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.intake.domain.alarms import Staff
from services.intake.domain.rota import Shift, Staffing
from shared.messaging import Transaction

FIELDS = "shift_id, staff_id, staff_name, begins, ends, levels"
# Far more than stand in any rota at a time; the earliest are the ones that count.
SHOWN = 500

SAVE = """
INSERT INTO duty_shifts (shift_id, staff_id, staff_name, begins, ends, levels, entered_by, entered_name, entered_at)
SELECT shift_id, staff_id, staff_name, begins, ends, string_to_array(levels, ','), entered_by, entered_name, $9
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::text[],
        $8::text[]) AS s(shift_id, staff_id, staff_name, begins, ends, levels, entered_by, entered_name)
"""

# Twice is once: the first who takes it back stays in the row.
CANCEL = """
UPDATE duty_shifts s SET cancelled_by = coalesce(s.cancelled_by, n.id),
    cancelled_name = coalesce(s.cancelled_name, n.name), cancelled_at = coalesce(s.cancelled_at, $4)
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS n(shift_id, id, name) WHERE s.shift_id = n.shift_id
RETURNING s.shift_id
"""

LIST = f"""
SELECT {FIELDS}, entered_by, entered_name, entered_at FROM duty_shifts
WHERE cancelled_at IS NULL AND ends > $1 AND begins < $2 AND (begins, shift_id) > ($3, $4)
ORDER BY begins, shift_id LIMIT $5
"""

NOT_OVER = f"""
SELECT {FIELDS} FROM duty_shifts WHERE cancelled_at IS NULL AND ends > $1 ORDER BY begins, shift_id LIMIT {SHOWN}
"""

EVER = "SELECT EXISTS (SELECT FROM duty_shifts)"


@dataclass(frozen=True, slots=True)
class Entered:
    """A shift and who entered it."""

    shift: Shift
    by: Staff


@dataclass(frozen=True, slots=True)
class RotaPage:
    """Shifts that touch a span, after a place in the order of (from, shift)."""

    since: datetime
    until: datetime
    after: tuple[datetime, UUID]
    limit: int


async def save_shifts(tx: Transaction, entered: Sequence[Entered]) -> None:
    """Each with who entered it."""
    if entered:
        rows = [(*_row(one.shift), one.by.id, one.by.name) for one in entered]
        await tx.connection.execute(SAVE, *zip(*rows, strict=True), tx.now)


async def cancel_shifts(tx: Transaction, cancelled: Sequence[tuple[UUID, Staff]]) -> set[UUID]:
    """Takes them back by name, and returns those that there are."""
    by_shift = dict(reversed(cancelled))
    rows = [(shift_id, staff.id, staff.name) for shift_id, staff in by_shift.items()]
    records = await tx.connection.fetch(CANCEL, *zip(*rows, strict=True), tx.now) if rows else []
    return {record["shift_id"] for record in records}


async def list_shifts(tx: Transaction, page: RotaPage) -> list[dict[str, Any]]:
    """One page, the earliest first, in the words of the interface."""
    records = await tx.connection.fetch(LIST, page.since, page.until, *page.after, page.limit)
    return [_listed(record) for record in records]


async def read_staffing(tx: Transaction) -> Staffing:
    """Who is on now and who comes, and whether a rota was ever entered."""
    records = await tx.connection.fetch(NOT_OVER, tx.now)
    entered = bool(records) or await tx.connection.fetchval(EVER)
    return Staffing(tx.now, entered, tuple(_shift(record) for record in records))


def _row(shift: Shift) -> tuple[Any, ...]:
    staff = shift.staff
    return (shift.shift_id, staff.id, staff.name, shift.begins, shift.ends, ",".join(shift.levels))


def _shift(record: asyncpg.Record) -> Shift:
    staff = Staff(record["staff_id"], record["staff_name"])
    return Shift(record["shift_id"], staff, record["begins"], record["ends"], tuple(record["levels"]))


def _listed(record: asyncpg.Record) -> dict[str, Any]:
    return {
        "shift_id": str(record["shift_id"]),
        "staff_id": record["staff_id"],
        "name": record["staff_name"],
        "from": record["begins"],
        "to": record["ends"],
        "levels": record["levels"],
        "entered_by": record["entered_name"],
        "entered_at": record["entered_at"],
    }
