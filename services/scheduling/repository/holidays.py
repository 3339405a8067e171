"""The SQL of holidays. Calendars carry those of their zone, so whoever changes one touches them."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.scheduling.domain.exceptions import Standing
from services.scheduling.domain.holidays import Holiday
from services.scheduling.repository.exceptions import standing
from shared.messaging import Transaction

SAVE = """
INSERT INTO holidays (holiday_id, version, name, first_day, last_day, time_zone, status, source, verified_on, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (holiday_id) DO UPDATE SET version = excluded.version, name = excluded.name,
    first_day = excluded.first_day, last_day = excluded.last_day, time_zone = excluded.time_zone,
    status = excluded.status, source = excluded.source, verified_on = excluded.verified_on,
    changed_at = excluded.changed_at
"""

# Whoever writes a calendar meanwhile might not be seen by whoever looks for those of a zone or a site.
TURN = "SELECT pg_advisory_xact_lock(hashtextextended('scheduling:holidays', 0))"
TURN_OF_CALENDARS = "SELECT pg_advisory_xact_lock_shared(hashtextextended('scheduling:holidays', 0))"

TOUCH = "UPDATE calendars SET changed_by = pg_current_xact_id() WHERE therapist_id = ANY ($1)"

BOOKED = """
SELECT a.appointment_id, a.version, a.therapist_id, a.lane, a.modality, a.site_id, a.starts_at, a.ends_at, a.time_zone
FROM reservations r JOIN appointments a USING (appointment_id)
WHERE r.resource_id = ANY ($1) AND r.during && tstzrange($2, $3) AND a.therapist_id = r.resource_id
    AND a.state = 'booked' AND a.ends_at > $4
ORDER BY a.starts_at, a.appointment_id
"""


async def take_turn(tx: Transaction) -> None:
    """Nobody else changes a holiday, a closure or a calendar until the end of the transaction."""
    await tx.connection.execute(TURN)


async def share_turn(tx: Transaction) -> None:
    """No holiday or closure changes until the end of the transaction; other calendars may."""
    await tx.connection.execute(TURN_OF_CALENDARS)


async def find(tx: Transaction, holiday_id: str) -> tuple[Holiday, int] | None:
    """A holiday and its version."""
    row = await tx.connection.fetchrow("SELECT * FROM holidays WHERE holiday_id = $1", holiday_id)
    return (_holiday(row), row["version"]) if row else None


async def coming(tx: Transaction, since: date) -> list[tuple[Holiday, int]]:
    """Those that are not over by then, in order of time, with their versions."""
    rows = await tx.connection.fetch(
        "SELECT * FROM holidays WHERE last_day >= $1 ORDER BY first_day, holiday_id", since
    )
    return [(_holiday(row), row["version"]) for row in rows]


async def save(tx: Transaction, holiday: Holiday, version: int) -> None:
    """Writes a holiday whole."""
    await tx.connection.execute(
        SAVE,
        holiday.id,
        version,
        holiday.name,
        holiday.first_day,
        holiday.last_day,
        holiday.time_zone,
        holiday.status,
        holiday.source,
        holiday.verified_on,
        tx.now,
    )


async def therapists_in(tx: Transaction, zones: Collection[str]) -> list[UUID]:
    """Everybody whose calendar is in one of these zones."""
    rows = await tx.connection.fetch(
        "SELECT therapist_id FROM calendars WHERE time_zone = ANY ($1) ORDER BY therapist_id", list(zones)
    )
    return [row["therapist_id"] for row in rows]


async def touch(tx: Transaction, therapist_ids: Collection[UUID]) -> None:
    """Whoever has read these calendars before reads them again. Their lock rows must be ours."""
    await tx.connection.execute(TOUCH, list(therapist_ids))


async def booked(
    tx: Transaction, therapist_ids: Collection[UUID], since: datetime, until: datetime
) -> list[Standing]:
    """The appointments of these that stand between two moments and are not over."""
    rows = await tx.connection.fetch(BOOKED, list(therapist_ids), since, until, tx.now)
    return [standing(row) for row in rows]


def _holiday(row: Any) -> Holiday:
    return Holiday(
        row["holiday_id"],
        row["name"],
        row["first_day"],
        row["last_day"],
        row["time_zone"],
        row["status"],
        row["source"],
        row["verified_on"],
    )
