"""The SQL of how certain booked hours are."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.scheduling.domain.appointments import Appointment
from services.scheduling.repository.appointments import COLUMNS, from_row
from shared.messaging import Transaction

# All in one zone: a holiday is one of its zone.
PAGE = f"""
{COLUMNS} WHERE state = 'booked' AND starts_at >= $2 AND starts_at < $3 AND starts_at > $4
    AND (starts_at, appointment_id) > ($5, $6)
    AND therapist_id IN (SELECT therapist_id FROM calendars WHERE time_zone = $1)
ORDER BY starts_at, appointment_id LIMIT $7
"""

SAVE = """
WITH changed AS (
    UPDATE appointments SET version = c.version, certainty = c.certainty, certainty_reason = c.why, changed_at = $6,
        changed_by = 'system', changed_trace = c.trace
    FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[]) AS c(id, version, certainty, why, trace)
    WHERE appointment_id = c.id RETURNING appointments.*
)
INSERT INTO appointment_changes (appointment_id, version, case_id, step, changed_at, changed_by, reason, traceparent)
SELECT appointment_id, version, case_id,
    CASE certainty_reason WHEN 'holiday' THEN 'appointment_displaced' ELSE 'appointment_certainty_changed' END,
    changed_at, changed_by, coalesce(certainty_reason, certainty), changed_trace FROM changed
"""


@dataclass(frozen=True, slots=True)
class Stretch:
    """The hours of a zone between two moments, from behind one of them on."""

    time_zone: str
    since: datetime
    until: datetime
    after: tuple[datetime, UUID]


async def page(tx: Transaction, stretch: Stretch, limit: int) -> list[Appointment]:
    """The next booked hours that have not begun, in order of time."""
    rows = await tx.connection.fetch(
        PAGE, stretch.time_zone, stretch.since, stretch.until, tx.now, *stretch.after, limit
    )
    return [from_row(row) for row in rows]


async def booked(tx: Transaction, appointment_ids: Collection[UUID]) -> list[Appointment]:
    """Those of these that stand booked. Their cases must be locked."""
    rows = await tx.connection.fetch(
        f"{COLUMNS} WHERE appointment_id = ANY ($1) AND state = 'booked' ORDER BY appointment_id",
        list(appointment_ids),
    )
    return [from_row(row) for row in rows]


async def save(tx: Transaction, changed: Sequence[Appointment]) -> None:
    """Writes how certain these are now; what they reserve stays as it is."""
    if changed:
        await tx.connection.execute(
            SAVE,
            [one.id for one in changed],
            [one.version for one in changed],
            [one.certainty for one in changed],
            [one.why for one in changed],
            [tx.traceparent_of(str(one.case_id)) for one in changed],
            tx.now,
        )
