"""The SQL of a day of appointments, and of what they are called in people's own calendars."""

from uuid import UUID

from services.scheduling.domain.agenda import Filter, Place
from services.scheduling.domain.appointments import Appointment
from services.scheduling.domain.wall_time import moment_of
from services.scheduling.repository.appointments import COLUMNS, from_row
from shared.messaging import Transaction

PAGE = f"""
{COLUMNS} WHERE starts_at >= $1 AND starts_at < $2
    AND ($3::uuid IS NULL OR site_id = $3) AND ($4::uuid IS NULL OR therapist_id = $4)
    AND ($5::text IS NULL OR organisation = $5)
    AND ($6::timestamptz IS NULL OR (starts_at, appointment_id) > ($6, $7))
ORDER BY starts_at, appointment_id LIMIT $8
"""


async def page(tx: Transaction, only: Filter, after: Place | None, limit: int) -> list[Appointment]:
    """The next in order of time, whatever became of them."""
    start, last = after or (None, None)
    rows = await tx.connection.fetch(
        PAGE,
        *map(moment_of, only.span),
        only.site_id,
        only.therapist_id,
        only.organisation,
        moment_of(start) if start is not None else None,
        last,
        limit,
    )
    return [from_row(row) for row in rows]


async def calendar_uid(tx: Transaction, appointment_id: UUID) -> UUID:
    """What an appointment that exists is called in calendars."""
    uid: UUID = await tx.connection.fetchval(
        "SELECT calendar_uid FROM appointments WHERE appointment_id = $1", appointment_id
    )
    return uid
