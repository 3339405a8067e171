"""The SQL of tasks: whom a human has to tell, once per person and version of an hour, and once per person and proposal."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.notifications.domain.by_hand import Hour
from services.notifications.repository.messages import Message
from shared.messaging import Transaction

# Nothing would close what is opened for somebody who was stopped before.
OPEN = """
INSERT INTO tasks (task_id, message_id, case_id, appointment_id, match_id, person_id, version, due_by, opened_at)
SELECT task_id, message_id, case_id, appointment_id, match_id, person_id, version, due_by, $9
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::int[], $8::timestamptz[])
    AS t(task_id, message_id, case_id, appointment_id, match_id, person_id, version, due_by)
WHERE NOT EXISTS (SELECT FROM stops s WHERE s.person_id = t.person_id AND s.stopped)
ORDER BY appointment_id, match_id, person_id, version
ON CONFLICT DO NOTHING
RETURNING task_id
"""

CLOSE_OUTDATED = """
UPDATE tasks t SET closed_at = $3, outcome = 'not_needed', closed_by = 'system'
FROM unnest($1::uuid[], $2::int[]) AS v(appointment_id, below)
WHERE t.appointment_id = v.appointment_id AND t.version < v.below AND t.closed_at IS NULL
RETURNING t.task_id
"""

# Held, so that whoever decides now waits for the task that is opened, and closes it.
OFFERED = """
SELECT o.case_id, o.match_id, o.expires_at FROM offers o
JOIN unnest($1::uuid[], $2::int[]) AS m(case_id, attempt) ON o.case_id = m.case_id AND o.attempt = m.attempt
WHERE o.open ORDER BY o.case_id FOR SHARE OF o
"""

CLOSE_DECIDED = """
UPDATE tasks t SET closed_at = $2, outcome = 'not_needed', closed_by = 'system'
FROM offers o
WHERE t.case_id = ANY ($1) AND t.match_id IS NOT NULL AND t.closed_at IS NULL AND o.case_id = t.case_id
    AND (o.match_id <> t.match_id OR NOT o.open OR EXISTS (SELECT FROM ended_cases e WHERE e.case_id = t.case_id))
RETURNING t.task_id
"""

CLOSE_UNWANTED = """
UPDATE tasks SET closed_at = $2, outcome = 'not_needed', closed_by = 'system'
WHERE person_id = ANY ($1) AND closed_at IS NULL RETURNING task_id
"""

# What a human did counts for more than that we thought nobody had to; who was first counts among humans.
CLOSE_DONE = """
UPDATE tasks t SET closed_at = d.done_at, outcome = d.outcome, closed_by = d.done_by
FROM (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[]) AS d(task_id, outcome, done_by, done_at)
    ORDER BY task_id
) d
WHERE t.task_id = d.task_id AND (t.closed_at IS NULL OR t.closed_by = 'system')
"""


@dataclass(frozen=True, slots=True)
class ByHand:
    """A task: who is to be told what by when."""

    task_id: UUID
    message: Message
    due_by: datetime
    match_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Offered:
    """A proposal that waits for an answer."""

    match_id: UUID
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Done:
    """What somebody did of it at the worklist."""

    task_id: UUID
    outcome: str
    by: str
    at: datetime


async def hours(tx: Transaction, appointment_ids: Collection[UUID]) -> dict[UUID, Hour]:
    """How these appointments stand."""
    rows = await tx.connection.fetch(
        "SELECT appointment_id, version, start, coalesce(told_version, version) AS told_since FROM appointments"
        " WHERE appointment_id = ANY ($1)",
        list(appointment_ids),
    )
    return {row["appointment_id"]: Hour(row["version"], row["start"], row["told_since"]) for row in rows}


async def offered(tx: Transaction, messages: Sequence[Message]) -> dict[UUID, Offered]:
    """By case what these messages are about, where it still waits for an answer."""
    rows = await tx.connection.fetch(
        OFFERED, [one.case_id for one in messages], [one.version for one in messages]
    )
    return {row["case_id"]: Offered(row["match_id"], row["expires_at"]) for row in rows}


async def close_decided(tx: Transaction, case_ids: Collection[UUID]) -> list[UUID]:
    """What there was to choose from in these cases and is not any more."""
    rows = await tx.connection.fetch(CLOSE_DECIDED, list(case_ids), tx.now)
    return [row["task_id"] for row in rows]


async def open_tasks(tx: Transaction, tasks: Sequence[ByHand]) -> set[UUID]:
    """Those that were not open before for the same person and version, of whoever may be told still."""
    rows = await tx.connection.fetch(
        OPEN,
        [one.task_id for one in tasks],
        [one.message.id for one in tasks],
        [one.message.case_id for one in tasks],
        [one.message.appointment_id for one in tasks],
        [one.match_id for one in tasks],
        [one.message.person_id for one in tasks],
        [one.message.version for one in tasks],
        [one.due_by for one in tasks],
        tx.now,
    )
    return {row["task_id"] for row in rows}


async def close_outdated(tx: Transaction, below: Sequence[tuple[UUID, int]]) -> list[UUID]:
    """What was to be told of an earlier version of these appointments: (appointment, version)."""
    rows = await tx.connection.fetch(
        CLOSE_OUTDATED, [one for one, _ in below], [version for _, version in below], tx.now
    )
    return [row["task_id"] for row in rows]


async def close_unwanted(tx: Transaction, people: Collection[UUID]) -> list[UUID]:
    """Whoever wants to hear nothing is not called either."""
    return [row["task_id"] for row in await tx.connection.fetch(CLOSE_UNWANTED, list(people), tx.now)]


async def close_done(tx: Transaction, done: Sequence[Done]) -> None:
    """What humans did."""
    columns = zip(*((one.task_id, one.outcome, one.by, one.at) for one in done), strict=True)
    await tx.connection.execute(CLOSE_DONE, *map(list, columns))
