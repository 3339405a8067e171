"""The SQL of calendars as they are written; they are read with the roster."""

from services.scheduling.domain.calendars import Calendar
from shared.messaging import Transaction

SAVE = """
INSERT INTO calendars (therapist_id, version, time_zone, buffer_minutes, notice_minutes, horizon_days, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (therapist_id) DO UPDATE SET version = excluded.version, time_zone = excluded.time_zone,
    buffer_minutes = excluded.buffer_minutes, notice_minutes = excluded.notice_minutes,
    horizon_days = excluded.horizon_days, changed_at = excluded.changed_at,
    changed_by = excluded.changed_by
"""

SAVE_RULES = """
INSERT INTO rules (therapist_id, position, day, starts, ends, lane, site_id)
SELECT $1, ordinal, day, starts, ends, lane, site_id
FROM unnest($2::smallint[], $3::int[], $4::int[], $5::text[], $6::uuid[]) WITH ORDINALITY
    AS r(day, starts, ends, lane, site_id, ordinal)
"""


async def save(tx: Transaction, calendar: Calendar) -> None:
    """Writes a calendar in place of what was there. The therapist's lock row must be ours."""
    await tx.connection.execute(
        SAVE,
        calendar.therapist_id,
        calendar.version,
        calendar.time_zone,
        calendar.buffer,
        calendar.notice,
        calendar.horizon,
        tx.now,
    )
    await tx.connection.execute("DELETE FROM rules WHERE therapist_id = $1", calendar.therapist_id)
    await tx.connection.execute(
        SAVE_RULES,
        calendar.therapist_id,
        [rule.day for rule in calendar.rules],
        [rule.start for rule in calendar.rules],
        [rule.end for rule in calendar.rules],
        [rule.lane for rule in calendar.rules],
        [rule.site_id for rule in calendar.rules],
    )
