"""The SQL of what coordinators have to see to: opened and closed for many therapists at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from services.matching.domain.continuity import Outcome, Task, TellingTimes
from shared.messaging import Transaction

COLUMNS = """task_id, kind, therapist_id, case_id, until, due_by, opened_at, closed_at, closed_by, closed_by_name,
    outcome"""
CHANGED = f"""
SELECT {COLUMNS} FROM settled UNION ALL SELECT {COLUMNS} FROM opened ORDER BY due_by, task_id
"""

# An hour is known by its match and version, so one that was moved needs somebody anew. What a human closed stays
# closed; what nobody needed is needed again. An hour that is over is left to whoever has to say what came of it.
LOOK_FOR_HOURS = f"""
WITH needed AS (
    SELECT CASE WHEN away.away THEN 'hour' ELSE 'displaced' END AS kind, c.case_id, c.holder,
        concat(c.match_id, '/', c.appointment_version) AS about, c.held_until
    FROM cases c JOIN therapists t ON t.therapist_id = c.holder
    CROSS JOIN LATERAL (SELECT t.status <> 'active' OR (coalesce(t.suspended_from < c.held_until, false)
        AND coalesce(t.suspended_until > c.held_until - $3::interval, true)) AS away) away
    WHERE c.state = 'booked' AND c.held_until > $1 AND c.holder = ANY ($2) AND (away.away OR c.displaced)
), settled AS (
    UPDATE continuity k SET closed_at = $1, outcome = 'not_needed', closed_by = 'system'
    WHERE k.kind IN ('hour', 'displaced') AND k.closed_at IS NULL AND k.until > $1 AND k.therapist_id = ANY ($2)
        AND NOT EXISTS (
            SELECT FROM needed n WHERE n.holder = k.therapist_id AND n.kind = k.kind AND n.about = k.about
        )
    RETURNING k.*
), opened AS (
    INSERT INTO continuity (task_id, kind, therapist_id, about, case_id, until, due_by, opened_at)
    SELECT gen_random_uuid(), kind, holder, about, case_id, held_until,
        greatest($1, least($1 + $4::interval, held_until - $3::interval - $5::interval)), $1
    FROM needed ORDER BY holder, about
    ON CONFLICT (therapist_id, kind, about) DO UPDATE SET closed_at = NULL, outcome = NULL, closed_by = NULL,
        due_by = excluded.due_by, opened_at = excluded.opened_at
    WHERE continuity.closed_by = 'system'
    RETURNING *
)
{CHANGED}"""

LOOK_FOR_RENEWALS = f"""
WITH needed AS (
    SELECT therapist_id, (ends AT TIME ZONE 'UTC')::text AS about, ends FROM unnest($3::uuid[], $4::timestamptz[]) AS n(therapist_id, ends)
), settled AS (
    UPDATE continuity k SET closed_at = $1, outcome = 'not_needed', closed_by = 'system'
    WHERE k.kind = 'credential' AND k.closed_at IS NULL AND k.therapist_id = ANY ($2) AND k.until > $1
        AND NOT EXISTS (SELECT FROM needed n WHERE n.therapist_id = k.therapist_id AND n.ends = k.until)
    RETURNING k.*
), opened AS (
    INSERT INTO continuity (task_id, kind, therapist_id, about, until, due_by, opened_at)
    SELECT gen_random_uuid(), 'credential', therapist_id, about, ends, ends, $1 FROM needed ORDER BY 3, 4
    ON CONFLICT (therapist_id, kind, about) DO UPDATE SET closed_at = NULL, outcome = NULL, closed_by = NULL,
        opened_at = excluded.opened_at
    WHERE continuity.closed_by = 'system'
    RETURNING *
)
{CHANGED}"""

PAGE = f"""
SELECT {COLUMNS} FROM continuity
WHERE closed_at IS NULL AND ($1::timestamptz IS NULL OR (due_by, task_id) > ($1, $2::uuid))
ORDER BY due_by, task_id LIMIT $3
"""

LOCK = f"SELECT {COLUMNS} FROM continuity WHERE task_id = $1 FOR UPDATE"

CLOSE = f"""
UPDATE continuity SET closed_at = $2, outcome = $3, closed_by = $4, closed_by_name = $5 WHERE task_id = $1
RETURNING {COLUMNS}
"""

# The word of a human counts for more than that nobody had to: what they closed is not opened again.
CLOSE_DONE = """
UPDATE continuity k SET closed_at = d.done_at, outcome = d.outcome, closed_by = d.done_by
FROM (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[]) AS d(task_id, outcome, done_by, done_at)
    ORDER BY task_id
) d
WHERE k.task_id = d.task_id AND (k.closed_at IS NULL OR k.closed_by = 'system')
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ends: after this task."""

    due_by: datetime
    task_id: UUID


@dataclass(frozen=True, slots=True)
class Renewal:
    """Whose credential runs out, and when."""

    therapist_id: UUID
    ends: datetime


@dataclass(frozen=True, slots=True)
class Done:
    """Who did a task elsewhere, when, and what came of it."""

    task_id: UUID
    outcome: str
    by: str
    at: datetime


async def look_for_hours(
    tx: Transaction, therapist_ids: Sequence[UUID], times: TellingTimes, length: timedelta
) -> list[Task]:
    """Opens a task for every hour that is booked with these while they are out; closes those of no such hour.

    `length` is that of a session, of which only the end is known here. Returns what was opened or closed by it.
    """
    if not therapist_ids:
        return []
    rows = await tx.connection.fetch(
        LOOK_FOR_HOURS, tx.now, list(therapist_ids), length, times.within, times.before
    )
    return [_task(row) for row in rows]


async def look_for_renewals(
    tx: Transaction, therapist_ids: Sequence[UUID], needed: Sequence[Renewal]
) -> list[Task]:
    """Opens a task for each of these renewals; closes those of these therapists that are not among them. Returns both."""
    if not therapist_ids:
        return []
    whose, ends = [one.therapist_id for one in needed], [one.ends for one in needed]
    rows = await tx.connection.fetch(LOOK_FOR_RENEWALS, tx.now, list(therapist_ids), whose, ends)
    return [_task(row) for row in rows]


async def page(tx: Transaction, limit: int, after: Place | None) -> list[Task]:
    """Open tasks by due time, from the first or after that place."""
    place = (after.due_by, after.task_id) if after else (None, None)
    return [_task(row) for row in await tx.connection.fetch(PAGE, *place, limit)]


async def lock(tx: Transaction, task_id: UUID) -> Task | None:
    """One task, held until the end of the transaction; None if unknown."""
    row = await tx.connection.fetchrow(LOCK, task_id)
    return _task(row) if row else None


async def close(tx: Transaction, task: Task, outcome: Outcome, by: str, name: str) -> Task:
    """What came of it, and who says so."""
    return _task(await tx.connection.fetchrow(CLOSE, task.task_id, tx.now, outcome, by, name))


async def close_done(tx: Transaction, done: Sequence[Done]) -> None:
    """What was done elsewhere is closed here, unless a human closed it here before."""
    columns = zip(*((one.task_id, one.outcome, one.by, one.at) for one in done), strict=True)
    await tx.connection.execute(CLOSE_DONE, *map(list, columns))


def _task(row: asyncpg.Record) -> Task:
    return Task(**dict(row))
