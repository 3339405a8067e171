"""The SQL of messages: planned once per promise, taken back when they are no longer true."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notifications.domain.planning import Plan, Void
from shared.messaging import Transaction

# Topics have no order among them: the end of a case may have been heard before what was said of it earlier.
ADD = """
WITH added AS (
    INSERT INTO messages AS m (id, subject_id, person_id, case_id, appointment_id, version, purpose, due_at, next_at,
        traceparent, planned_at, state, reason, settled_at)
    SELECT id, subject_id, person_id, case_id, appointment_id, version, purpose, due_at, due_at, traceparent, $10::timestamptz,
        CASE WHEN pointless THEN 'skipped' ELSE 'planned' END, CASE WHEN pointless THEN 'case_ended' END,
        CASE WHEN pointless THEN $10::timestamptz END
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::int[], $7::text[],
        $8::timestamptz[], $9::text[]) AS n(id, subject_id, person_id, case_id, appointment_id, version, purpose,
        due_at, traceparent)
    CROSS JOIN LATERAL (
        SELECT n.purpose <> ALL ($11::text[]) AND EXISTS (SELECT FROM ended_cases e WHERE e.case_id = n.case_id) AS pointless
    ) ended
    ORDER BY case_id, subject_id, person_id, purpose
    ON CONFLICT (case_id, subject_id, person_id, purpose, version) DO NOTHING
    RETURNING m.id, m.case_id, m.person_id, m.appointment_id, m.version, m.purpose, m.reason, m.traceparent, m.state
)
SELECT id, case_id, person_id, appointment_id, version, purpose, reason, traceparent FROM added WHERE state = 'skipped'
"""

# Only what nobody is sending: FOR UPDATE waits for a sender's claim and then looks at the state again. What a human is
# asked to call about has not left either.
VOID = """
WITH untrue AS (
    SELECT m.id, v.reason
    FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[]) AS v(case_id, subject_id, below, reason)
    JOIN messages m ON m.case_id = v.case_id AND m.subject_id = v.subject_id AND m.version < v.below
    WHERE m.state IN ('planned', 'calling')
    ORDER BY m.id FOR UPDATE OF m
)
UPDATE messages m SET state = 'skipped', reason = untrue.reason, settled_at = $5
FROM untrue WHERE m.id = untrue.id
RETURNING m.id, m.case_id, m.person_id, m.appointment_id, m.version, m.purpose, m.reason, m.traceparent
"""

# By attempt and not by proposal: one that another proposal or the waiting list has replaced is known by nothing else.
VOID_OFFERS = """
WITH over AS (
    SELECT m.id FROM unnest($1::uuid[], $2::int[]) AS o(case_id, attempt)
    JOIN messages m ON m.case_id = o.case_id AND m.version <= o.attempt
    WHERE m.purpose = 'offer' AND m.state IN ('planned', 'calling')
    ORDER BY m.id FOR UPDATE OF m
)
UPDATE messages m SET state = 'skipped', reason = 'superseded', settled_at = $3
FROM over WHERE m.id = over.id
RETURNING m.id, m.case_id, m.person_id, m.appointment_id, m.version, m.purpose, m.reason, m.traceparent
"""

# A message keeps the version that it was planned for, by which it is told once. What it tells stays true while nothing but
# the certainty of its hour changes; the words are chosen when it is sent, hence it speaks of the newest version then.
SPEAKS_OF = "CASE WHEN m.version = a.told_version THEN a.version ELSE m.version END"

# What is to say that they wait says with it that there is another way.
SAY_WITH = """
WITH unsaid AS (
    SELECT m.id FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS h(case_id, person_id, attempt)
    JOIN messages m ON m.case_id = h.case_id AND m.subject_id = h.case_id AND m.person_id = h.person_id
        AND m.version = h.attempt
    WHERE m.state IN ('planned', 'calling') AND m.purpose = 'waitlisted'
    ORDER BY m.id FOR UPDATE OF m
)
UPDATE messages m SET purpose = 'alternative' FROM unsaid WHERE m.id = unsaid.id
"""

STOP = """
WITH unwanted AS (
    SELECT id FROM messages WHERE person_id = ANY ($1) AND state IN ('planned', 'calling') ORDER BY id FOR UPDATE
)
UPDATE messages m SET state = 'skipped', reason = 'stopped', settled_at = $2
FROM unwanted WHERE m.id = unwanted.id
RETURNING m.id, m.case_id, m.person_id, m.appointment_id, m.version, m.purpose, m.reason, m.traceparent
"""

END = """
WITH pointless AS (
    SELECT id FROM messages WHERE case_id = ANY ($1) AND state IN ('planned', 'calling') AND purpose <> ALL ($3)
    ORDER BY id FOR UPDATE
)
UPDATE messages m SET state = 'skipped', reason = 'case_ended', settled_at = $2
FROM pointless WHERE m.id = pointless.id
RETURNING m.id, m.case_id, m.person_id, m.appointment_id, m.version, m.purpose, m.reason, m.traceparent
"""


# Their last word, if it is one of these and it is on its way, or reached a gateway or them not long ago.
LAST_TOLD = """
SELECT c.case_id, c.person_id FROM unnest($1::uuid[], $2::uuid[]) AS c(case_id, person_id)
JOIN LATERAL (
    SELECT purpose, state, coalesce(settled_at, sent_at) AS told_at FROM messages m
    WHERE m.case_id = c.case_id AND m.person_id = c.person_id ORDER BY planned_at DESC, id DESC LIMIT 1
) last ON last.purpose = ANY ($4) AND (
    last.state = ANY ($5) OR (last.state IN ('sent', 'delivered') AND last.told_at > $3)
)
"""

LOOK_AGAIN = """
UPDATE messages SET next_at = $2 WHERE person_id = ANY ($1)
    AND (state = 'calling' OR (state = 'planned' AND reason = ANY ($3)))
"""


@dataclass(frozen=True, slots=True)
class Message:
    """Which message this is: what every delivery event says of it."""

    id: UUID
    case_id: UUID
    person_id: UUID
    appointment_id: UUID | None
    version: int
    purpose: str
    traceparent: str | None = None


async def add(tx: Transaction, plans: Sequence[Plan], but: Collection[str]) -> list[tuple[Message, str]]:
    """Plans what has not been planned before; of cases that have ended only what is for one of the purposes in `but`. Returns
    the others, each with its reason."""
    if not plans:
        return []
    rows = await tx.connection.fetch(
        ADD,
        [tx.new_id() for _ in plans],
        [p.fact.subject_id for p in plans],
        [p.person_id for p in plans],
        [p.fact.case_id for p in plans],
        [p.fact.appointment_id for p in plans],
        [p.fact.version for p in plans],
        [p.purpose for p in plans],
        [p.due_at for p in plans],
        [tx.traceparent_of(str(p.fact.case_id)) for p in plans],
        tx.now,
        list(but),
    )
    return _skipped(rows)


async def void(tx: Transaction, voids: Sequence[Void]) -> list[tuple[Message, str]]:
    """Takes back what is no longer true and not under way; returns each with its reason."""
    if not voids:
        return []
    rows = await tx.connection.fetch(
        VOID,
        [v.case_id for v in voids],
        [v.subject_id for v in voids],
        [v.below for v in voids],
        [v.reason for v in voids],
        tx.now,
    )
    return _skipped(rows)


async def void_offers(tx: Transaction, over: Sequence[tuple[UUID, int]]) -> list[tuple[Message, str]]:
    """Takes back what was to be told of the proposals of these cases up to that attempt, each with its reason."""
    columns = [case for case, _ in over], [attempt for _, attempt in over]
    return _skipped(await tx.connection.fetch(VOID_OFFERS, *columns, tx.now))


async def say_with_waiting(tx: Transaction, people: Sequence[tuple[UUID, UUID, int]]) -> None:
    """What has not left of the word that these (case, person, attempt) wait also tells of another way from now on."""
    if people:
        await tx.connection.execute(SAY_WITH, *([one[place] for one in people] for place in range(3)))


async def stop(tx: Transaction, people: Collection[UUID]) -> list[tuple[Message, str]]:
    """Takes back everything planned for these people."""
    return _skipped(await tx.connection.fetch(STOP, list(people), tx.now)) if people else []


async def end(tx: Transaction, case_ids: Collection[UUID], but: Collection[str]) -> list[tuple[Message, str]]:
    """Takes back everything planned about these cases `but` what is of these purposes."""
    return _skipped(await tx.connection.fetch(END, list(case_ids), tx.now, list(but)))


async def waiting_told(
    tx: Transaction, people: Sequence[tuple[UUID, UUID]], since: datetime
) -> set[tuple[UUID, UUID]]:
    """Which of these (case, person) know that they wait, with other help or without, and have been told of nothing else
    after it."""
    return await _last_told(
        tx, people, since, ["waitlisted", "alternative"], ["planned", "sending", "calling"]
    )


async def other_help_told(
    tx: Transaction, people: Sequence[tuple[UUID, UUID]], since: datetime
) -> set[tuple[UUID, UUID]]:
    """Which of these (case, person) know that there is another way, and have been told of nothing else after it. What
    has not left yet is not counted: what is offered now takes its place."""
    return await _last_told(tx, people, since, ["alternative"], ["sending"])


async def _last_told(
    tx: Transaction,
    people: Sequence[tuple[UUID, UUID]],
    since: datetime,
    purposes: list[str],
    under_way: list[str],
) -> set[tuple[UUID, UUID]]:
    columns = [case for case, _ in people], [person for _, person in people]
    rows = await tx.connection.fetch(LAST_TOLD, *columns, since, purposes, under_way)
    return {(row["case_id"], row["person_id"]) for row in rows}


async def look_again(tx: Transaction, people: Collection[UUID], waiting_for: Collection[str]) -> None:
    """Whether these are still to be called, by what is known of them now; and what was put off for one of these reasons
    may go."""
    await tx.connection.execute(LOOK_AGAIN, sorted(people), tx.now, list(waiting_for))


def _skipped(rows: Sequence[Any]) -> list[tuple[Message, str]]:
    return [
        (
            Message(
                row["id"], row["case_id"], row["person_id"], row["appointment_id"], row["version"],
                row["purpose"], row["traceparent"],
            ),
            row["reason"],
        )
        for row in rows
    ]  # fmt: skip
