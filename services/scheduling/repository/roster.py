"""The SQL of therapists as matching tells of them, and of their calendars."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from services.scheduling.domain.availability import Therapist
from services.scheduling.domain.calendars import Calendar, Rule
from shared.contracts.matching import TherapistChanged
from shared.messaging import Transaction

READ = """
SELECT t.therapist_id, t.organisation, t.status, t.weekly_limit, c.version
FROM therapists t LEFT JOIN calendars c USING (therapist_id) WHERE t.therapist_id = ANY ($1)
"""

READ_CALENDARS = """
SELECT c.therapist_id, c.version, c.time_zone, c.buffer_minutes, c.notice_minutes, c.horizon_days,
    coalesce(array_agg(ARRAY[r.day, r.starts, r.ends] ORDER BY r.position) FILTER (WHERE r.day IS NOT NULL), '{}')
        AS times,
    array_agg(r.lane ORDER BY r.position) AS lanes, array_agg(r.site_id ORDER BY r.position) AS sites
FROM calendars c LEFT JOIN rules r USING (therapist_id) WHERE c.therapist_id = ANY ($1) GROUP BY c.therapist_id
"""

SAVE = """
INSERT INTO therapists (therapist_id, organisation, status, weekly_limit, changed_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::timestamptz[]) ORDER BY 1
ON CONFLICT (therapist_id) DO UPDATE SET organisation = excluded.organisation, status = excluded.status,
    weekly_limit = excluded.weekly_limit, changed_at = excluded.changed_at,
    changed_by = excluded.changed_by
WHERE therapists.changed_at <= excluded.changed_at
"""

# A lower limit takes nothing back; it only lets nothing more in.
LIMIT = """
UPDATE weekly_load w SET most = greatest(t.weekly_limit, w.used)
FROM therapists t WHERE t.therapist_id = w.therapist_id AND w.therapist_id = ANY ($1)
    AND w.most <> greatest(t.weekly_limit, w.used)
"""

# Calendars this process has read, by version: what follows from one is cached by its identity. A version is
# never given twice, and the one that counts is read under the therapist's lock.
_known: dict[UUID, Calendar] = {}


async def read(tx: Transaction, therapist_ids: Collection[UUID]) -> dict[UUID, Therapist]:
    """Those of these therapists who are known, with the calendars that stand now."""
    rows = await tx.connection.fetch(READ, list(therapist_ids))
    # Taken out of the memory before anything is waited for: others read meanwhile, and write into it.
    calendars = {row["therapist_id"]: _known.get(row["therapist_id"]) for row in rows}
    calendars |= await _learn(
        tx,
        [row["therapist_id"] for row in rows if not _is(calendars[row["therapist_id"]], row["version"])],
    )
    return {
        row["therapist_id"]: Therapist(
            row["therapist_id"],
            row["organisation"],
            row["status"] == "active",
            row["weekly_limit"],
            calendars[row["therapist_id"]] if row["version"] is not None else None,
        )
        for row in rows
    }


async def read_calendar(tx: Transaction, therapist_id: UUID) -> Calendar | None:
    """One calendar as it stands now."""
    return (await _learn(tx, [therapist_id])).get(therapist_id)


async def save_therapists(tx: Transaction, events: Sequence[TherapistChanged]) -> None:
    """Takes in what is newer; the limits of weeks that are open follow."""
    await tx.connection.execute(
        SAVE,
        [e.therapist_id for e in events],
        [e.organisation for e in events],
        [e.status for e in events],
        [e.weekly_limit for e in events],
        [e.changed_at for e in events],
    )
    await tx.connection.execute(LIMIT, [e.therapist_id for e in events])


def _is(calendar: Calendar | None, version: int | None) -> bool:
    return version is None or (calendar is not None and calendar.version == version)


async def _learn(tx: Transaction, therapist_ids: Collection[UUID]) -> dict[UUID, Calendar]:
    """Reads these and remembers them; who has no calendar is left out."""
    if not therapist_ids:
        return {}
    rows = await tx.connection.fetch(READ_CALENDARS, list(therapist_ids))
    learned = {row["therapist_id"]: _calendar(row) for row in rows}
    _known.update(learned)
    return learned


def _calendar(row: Any) -> Calendar:
    rules = zip(row["times"], row["lanes"], row["sites"], strict=False)
    return Calendar(
        row["therapist_id"],
        row["version"],
        row["time_zone"],
        row["buffer_minutes"],
        row["notice_minutes"],
        row["horizon_days"],
        tuple(Rule(day, start, end, lane, site) for (day, start, end), lane, site in rules),
    )
