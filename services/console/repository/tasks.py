"""The worklist's own tables: what services open and close, what humans take and do."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from services.console.domain.tasks import State, Task
from shared.messaging import Transaction

COLUMNS = """task_id, opened_by, kind, queue, outcomes, due_by, priority, case_id, therapist_id, site_id, opened_at, state,
    claimed_by, claimed_name, claimed_at, outcome, done_by, done_name, done_at, version, appointment_id"""

# Opened again: what is still to be done keeps whoever has it; what nobody had to do is to be done after all. What a human
# did stays done.
OPEN = """
INSERT INTO tasks (task_id, opened_by, kind, queue, outcomes, due_by, priority, case_id, therapist_id, site_id, opened_at,
    appointment_id)
SELECT task_id, opened_by, kind, queue, string_to_array(outcomes, ' '), due_by, priority, case_id, therapist_id, site_id,
    opened_at, appointment_id
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::int[], $8::uuid[],
    $9::uuid[], $10::uuid[], $11::timestamptz[], $12::uuid[]) AS t(task_id, opened_by, kind, queue, outcomes, due_by, priority, case_id,
    therapist_id, site_id, opened_at, appointment_id)
ORDER BY task_id
ON CONFLICT (task_id) DO UPDATE SET queue = excluded.queue, outcomes = excluded.outcomes, due_by = excluded.due_by,
    priority = excluded.priority, case_id = excluded.case_id, therapist_id = excluded.therapist_id,
    site_id = excluded.site_id, opened_at = excluded.opened_at,
    appointment_id = excluded.appointment_id, version = tasks.version + 1,
    state = CASE tasks.state WHEN 'done' THEN 'open' ELSE tasks.state END,
    claimed_by = CASE WHEN tasks.state <> 'done' THEN tasks.claimed_by END,
    claimed_name = CASE WHEN tasks.state <> 'done' THEN tasks.claimed_name END,
    claimed_at = CASE WHEN tasks.state <> 'done' THEN tasks.claimed_at END,
    outcome = NULL, done_by = NULL, done_name = NULL, done_at = NULL
WHERE tasks.state <> 'done' OR tasks.done_by = 'system'
"""

CLOSE = """
UPDATE tasks t SET state = 'done', outcome = c.outcome, done_by = c.by, done_at = c.at, version = t.version + 1
FROM (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[]) AS c(task_id, outcome, by, at)
    ORDER BY task_id
) c
WHERE t.task_id = c.task_id AND t.state <> 'done'
"""

VISIBLE = """queue = ANY ($1) AND ($2::text IS NULL OR site_id IN (SELECT s.site_id FROM sites s WHERE s.organisation = $2))
    AND ($3::uuid IS NULL OR site_id = $3)"""

PAGE = f"""
SELECT {COLUMNS} FROM tasks
WHERE {VISIBLE} AND state = ANY ($4) AND ($5::timestamptz IS NULL OR due_by <= $5)
    AND ($6::timestamptz IS NULL OR (due_by, task_id) > ($6, $7::uuid))
ORDER BY due_by, task_id LIMIT $8
"""

LOCK = f"SELECT {COLUMNS} FROM tasks WHERE {VISIBLE} AND task_id = $4 FOR UPDATE"

OF_CASE = f"""
SELECT {COLUMNS} FROM tasks WHERE {VISIBLE} AND case_id = $4 AND state <> 'done' ORDER BY due_by, task_id LIMIT 50
"""

SAVE = """
UPDATE tasks SET state = $2, claimed_by = $3, claimed_name = $4, claimed_at = $5, outcome = $6, done_by = $7,
    done_name = $8, done_at = $9, version = $10
WHERE task_id = $1
"""

KNOW_SITES = """
INSERT INTO sites (site_id, organisation)
SELECT * FROM unnest($1::uuid[], $2::text[]) AS s(site_id, organisation) ORDER BY site_id
ON CONFLICT (site_id) DO UPDATE SET organisation = excluded.organisation
"""

CODES = "SELECT case_id, case_code FROM intake.cases WHERE case_id = ANY ($1)"


@dataclass(frozen=True, slots=True)
class Sight:
    """What somebody may see: these queues, with `organisation` only what is to be done at its sites, and with `site_id` at
    that one alone."""

    queues: tuple[str, ...]
    organisation: str | None = None
    site_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ends: after this task."""

    due_by: datetime
    task_id: UUID


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tasks, and from where on; `due_before` leaves out what is due later."""

    states: tuple[State, ...]
    due_before: datetime | None
    after: Place | None
    limit: int


@dataclass(frozen=True, slots=True)
class Closing:
    """A task that its service has closed."""

    task_id: UUID
    outcome: str
    by: str
    at: datetime


async def open_tasks(tx: Transaction, tasks: Sequence[Task]) -> None:
    """What is to be done, as its service says; each task once."""
    rows = [(*astuple(t)[:4], " ".join(t.outcomes), *astuple(t)[5:11], t.appointment_id) for t in tasks]
    await tx.connection.execute(OPEN, *map(list, zip(*rows, strict=True)))


async def close_tasks(tx: Transaction, closings: Sequence[Closing]) -> None:
    """What nobody has to do any more; what is done stays as it is."""
    await tx.connection.execute(CLOSE, *map(list, zip(*map(astuple, closings), strict=True)))


async def page(tx: Transaction, sight: Sight, wanted: Wanted) -> list[Task]:
    """By due time, so what is overdue comes first."""
    after = (wanted.after.due_by, wanted.after.task_id) if wanted.after else (None, None)
    rows = await tx.connection.fetch(
        PAGE,
        *_eyes(sight),
        list(wanted.states),
        wanted.due_before,
        *after,
        wanted.limit,
    )
    return [_task(row) for row in rows]


async def of_case(tx: Transaction, sight: Sight, case_id: UUID) -> list[Task]:
    """What is to be done about one case."""
    rows = await tx.connection.fetch(OF_CASE, *_eyes(sight), case_id)
    return [_task(row) for row in rows]


async def lock(tx: Transaction, sight: Sight, task_id: UUID) -> Task | None:
    """One task, held until the end of the transaction; None where it is not for these eyes."""
    row = await tx.connection.fetchrow(LOCK, *_eyes(sight), task_id)
    return _task(row) if row else None


async def save(tx: Transaction, task: Task) -> None:
    """What a human took or did."""
    values = (task.state, task.claimed_by, task.claimed_name, task.claimed_at, task.outcome, task.done_by)
    await tx.connection.execute(SAVE, task.task_id, *values, task.done_name, task.done_at, task.version)


async def know_sites(tx: Transaction, sites: Sequence[tuple[UUID, str]]) -> None:
    """Whose each site is."""
    await tx.connection.execute(KNOW_SITES, *map(list, zip(*sites, strict=True)))


async def codes(tx: Transaction, case_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The codes by which people and staff call these cases."""
    rows = await tx.connection.fetch(CODES, list(case_ids)) if case_ids else []
    return {row["case_id"]: row["case_code"] for row in rows}


def _task(row: asyncpg.Record) -> Task:
    return Task(**{**dict(row), "outcomes": tuple(row["outcomes"])})


def _eyes(sight: Sight) -> tuple[list[str], str | None, UUID | None]:
    """As `VISIBLE` asks."""
    return list(sight.queues), sight.organisation, sight.site_id
