"""The SQL of calls: whom a human is asked to call about which message, what came of it, and who read the number."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.notifications.repository.by_hand import Done
from shared.messaging import Transaction

# Numbered by how often a human has called before: what we took back ourselves is the same call when it is opened again.
OPEN = """
INSERT INTO calls (task_id, message_id, kind, number, due_by, opened_at)
SELECT t.task_id, t.message_id, $4, 1 + (
    SELECT count(*) FROM calls c WHERE c.message_id = t.message_id AND c.kind = $4 AND c.closed_by <> 'system'
), t.due_by, $5
FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) AS t(task_id, message_id, due_by) ORDER BY message_id
ON CONFLICT (message_id, kind, number) DO UPDATE SET due_by = excluded.due_by, opened_at = excluded.opened_at,
    closed_at = NULL, outcome = NULL, closed_by = NULL
WHERE calls.closed_by = 'system'
RETURNING task_id, message_id, due_by
"""

CLOSE = """
UPDATE calls SET closed_at = $3, outcome = 'not_needed', closed_by = 'system'
WHERE message_id = ANY ($1) AND kind = $2 AND closed_at IS NULL RETURNING task_id
"""

CLOSE_OF_PEOPLE = """
UPDATE calls c SET closed_at = $3, outcome = 'not_needed', closed_by = 'system'
FROM messages m WHERE m.id = c.message_id AND m.person_id = ANY ($1) AND c.kind = $2 AND c.closed_at IS NULL
RETURNING c.task_id
"""

# As with what is told by hand: a human's word counts for more than ours, and the first of two humans' counts.
CLOSE_DONE = """
UPDATE calls t SET closed_at = d.done_at, outcome = d.outcome, closed_by = d.done_by
FROM (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[]) AS d(task_id, outcome, done_by, done_at)
    ORDER BY task_id
) d
WHERE t.task_id = d.task_id AND (t.closed_at IS NULL OR t.closed_by = 'system')
RETURNING t.task_id, t.message_id, t.kind, t.number, t.outcome
"""

# Held, so that a contact which comes now finds what is put off for it and the task that is opened. Nobody waits: whose row
# another has is just changing, or is just asked for.
UNCONFIRMED = """
SELECT person_id FROM contacts WHERE person_id = ANY ($1) AND (confirmed_until IS NULL OR confirmed_until <= $2)
ORDER BY person_id FOR NO KEY UPDATE SKIP LOCKED
"""

ASK = """
WITH unasked AS (
    SELECT person_id FROM contacts WHERE person_id = ANY ($1) AND asked_at IS NULL
    ORDER BY person_id FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE contacts c SET asked_at = $2 FROM unasked u WHERE c.person_id = u.person_id RETURNING c.person_id
"""

UNASK = "UPDATE contacts SET asked_at = NULL WHERE person_id = ANY ($1) AND asked_at IS NOT NULL"

# Both kinds of work in which a human speaks to somebody.
BEHIND = """
SELECT message_id, closed_at IS NULL AS open FROM calls WHERE task_id = $1 AND kind = 'call_person'
UNION ALL
SELECT message_id, closed_at IS NULL FROM tasks WHERE task_id = $1
"""

SAVE_READING = """
INSERT INTO call_readings (reading_id, task_id, staff_id, staff_name, read_at) VALUES ($1, $2, $3, $4, $5)
"""


@dataclass(frozen=True, slots=True)
class Call:
    """A task: about which message somebody is to be called, and not later than when."""

    task_id: UUID
    message_id: UUID
    due_by: datetime


@dataclass(frozen=True, slots=True)
class Made:
    """A call that a human made, and what came of it; `number` counts those about the same message."""

    task_id: UUID
    message_id: UUID
    kind: str
    number: int
    outcome: str


@dataclass(frozen=True, slots=True)
class Behind:
    """The message behind a task, and whether the task is still to be done."""

    message_id: UUID
    open: bool


async def open_calls(tx: Transaction, kind: str, calls: Sequence[Call]) -> list[Call]:
    """Those that nobody was asked for before, or not any more; with the id under which they are asked for."""
    rows = await tx.connection.fetch(
        OPEN,
        [one.task_id for one in calls],
        [one.message_id for one in calls],
        [one.due_by for one in calls],
        kind,
        tx.now,
    )
    return [Call(row["task_id"], row["message_id"], row["due_by"]) for row in rows]


async def close(tx: Transaction, kind: str, message_ids: Collection[UUID]) -> list[UUID]:
    """Nobody has to call about these any more."""
    rows = await tx.connection.fetch(CLOSE, sorted(message_ids), kind, tx.now)
    return [row["task_id"] for row in rows]


async def close_of_people(tx: Transaction, kind: str, people: Collection[UUID]) -> list[UUID]:
    """Nobody has to do this about these people any more."""
    rows = await tx.connection.fetch(CLOSE_OF_PEOPLE, sorted(people), kind, tx.now)
    return [row["task_id"] for row in rows]


async def close_done(tx: Transaction, done: Sequence[Done]) -> list[Made]:
    """What humans did, of what is a call."""
    columns = zip(*((one.task_id, one.outcome, one.by, one.at) for one in done), strict=True)
    return [Made(*row.values()) for row in await tx.connection.fetch(CLOSE_DONE, *map(list, columns))]


async def unconfirmed(tx: Transaction, people: Collection[UUID]) -> set[UUID]:
    """Whose contact nobody has confirmed for too long, held; without those whose contact another transaction has."""
    return {row["person_id"] for row in await tx.connection.fetch(UNCONFIRMED, sorted(people), tx.now)}


async def ask_for_contacts(tx: Transaction, people: Collection[UUID]) -> set[UUID]:
    """Of which of these nobody was asked yet how they are reached, since their contact last came; from now on somebody is."""
    return {row["person_id"] for row in await tx.connection.fetch(ASK, sorted(people), tx.now)}


async def ask_no_more(tx: Transaction, people: Collection[UUID]) -> None:
    """Nobody has been asked about these, should it be needed again."""
    await tx.connection.execute(UNASK, sorted(people))


async def behind(tx: Transaction, task_id: UUID) -> Behind | None:
    """What the task is about, if it is one in which somebody is spoken to."""
    row = await tx.connection.fetchrow(BEHIND, task_id)
    return Behind(row["message_id"], row["open"]) if row else None


async def save_reading(tx: Transaction, task_id: UUID, staff_id: str, staff_name: str) -> None:
    """Who reads, before anything is opened."""
    await tx.connection.execute(SAVE_READING, tx.new_id(), task_id, staff_id, staff_name, tx.now)
