"""The SQL of exceptions as they are written, and of what is booked with somebody or somewhere; they are read with the roster."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from services.scheduling.domain.calendars import OtherHours
from services.scheduling.domain.exceptions import Standing
from services.scheduling.domain.wall_time import minute_of
from services.scheduling.repository.roster import other_hours
from shared.messaging import Transaction

FIND = """
SELECT exception_id, version, kind, first_day - date '1970-01-01' AS first_day,
    last_day - date '1970-01-01' AS last_day, starts, ends, lane, site_id, withdrawn
FROM exceptions WHERE therapist_id = $1 AND exception_id = $2
"""

SAVE = """
INSERT INTO exceptions (therapist_id, exception_id, version, kind, first_day, last_day, starts, ends, lane, site_id,
    changed_at)
VALUES ($1, $2, $3, $4, date '1970-01-01' + $5::int, date '1970-01-01' + $6::int, $7, $8, $9, $10, $11)
ON CONFLICT (therapist_id, exception_id) DO UPDATE SET version = excluded.version, kind = excluded.kind,
    first_day = excluded.first_day, last_day = excluded.last_day, starts = excluded.starts, ends = excluded.ends,
    lane = excluded.lane, site_id = excluded.site_id, changed_at = excluded.changed_at
"""

WITHDRAW = """
UPDATE exceptions SET withdrawn = true, changed_at = $3 WHERE therapist_id = $1 AND exception_id = $2
"""

# Whoever has read the calendar before reads it again.
TOUCH = "UPDATE calendars SET changed_by = pg_current_xact_id() WHERE therapist_id = $1"

BOOKED = """
SELECT a.appointment_id, a.version, a.therapist_id, a.lane, a.modality, a.site_id, a.starts_at, a.ends_at, a.time_zone
FROM reservations r JOIN appointments a USING (appointment_id)
WHERE r.resource_id = ANY ($1) AND r.during && tstzrange($2, NULL) AND a.state = 'booked' AND a.ends_at > $2
ORDER BY a.starts_at, a.appointment_id
"""


async def find(tx: Transaction, therapist_id: UUID, exception_id: UUID) -> tuple[OtherHours, bool] | None:
    """An exception, over or not, and whether it was taken back."""
    row = await tx.connection.fetchrow(FIND, therapist_id, exception_id)
    return (other_hours(row), row["withdrawn"]) if row else None


async def save(tx: Transaction, therapist_id: UUID, hours: OtherHours) -> None:
    """Writes an exception whole. The therapist's lock row must be ours."""
    await tx.connection.execute(
        SAVE,
        therapist_id,
        hours.id,
        hours.version,
        hours.kind,
        hours.first_day,
        hours.last_day,
        hours.start,
        hours.end,
        hours.lane,
        hours.site_id,
        tx.now,
    )
    await tx.connection.execute(TOUCH, therapist_id)


async def withdraw(tx: Transaction, therapist_id: UUID, exception_id: UUID) -> None:
    """The rules hold again. The therapist's lock row must be ours."""
    await tx.connection.execute(WITHDRAW, therapist_id, exception_id, tx.now)
    await tx.connection.execute(TOUCH, therapist_id)


async def booked(tx: Transaction, resource_ids: Collection[UUID]) -> list[Standing]:
    """The appointments of these therapists, or in these rooms, that stand and are not over, in order of time."""
    return [standing(row) for row in await tx.connection.fetch(BOOKED, list(resource_ids), tx.now)]


def standing(row: Any) -> Standing:
    """An appointment that stands, from its row."""
    return Standing(
        row["appointment_id"],
        row["version"],
        row["therapist_id"],
        row["lane"],
        row["modality"],
        row["site_id"],
        minute_of(row["starts_at"]),
        minute_of(row["ends_at"]),
        row["time_zone"],
    )
