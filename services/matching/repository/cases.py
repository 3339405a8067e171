"""Cases as they stand here, the requests they came from, and the alarms that move them forward."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from services.matching.domain.cases import Case
from shared.messaging import Transaction

COLUMNS = """case_id, person_id, state, attempt, tries_from, match_id, lane, holder, held_until,
    appointment_version, reason, next_review, request_version"""

LOCK = f"SELECT {COLUMNS}, sliding_with, displaced FROM cases WHERE case_id = ANY ($1) ORDER BY case_id FOR UPDATE"

LOCK_PAST = f"""
SELECT {COLUMNS}, sliding_with, displaced FROM cases WHERE case_id IN (
    SELECT case_id FROM cases WHERE state = 'booked' AND holder IS NOT NULL AND held_until <= $1
    ORDER BY held_until LIMIT $2
) ORDER BY case_id FOR UPDATE SKIP LOCKED
"""

REQUESTS = """
SELECT c.case_id, c.request,
    (SELECT max(a.priority) FROM alarms a WHERE a.case_id = c.case_id AND NOT a.closed) AS alarm_priority
FROM cases c WHERE c.case_id = ANY ($1)
"""

ALARM_PRIORITIES = """
SELECT case_id, max(priority) AS priority FROM alarms WHERE case_id = ANY ($1) AND NOT closed GROUP BY case_id
"""

SAVE = f"""
INSERT INTO cases ({COLUMNS}, request, traceparent, sliding_with, displaced, changed_at)
SELECT {COLUMNS}, request, traceparent, string_to_array(sliding_with, ' ')::uuid[], displaced, $18
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::int[], $6::uuid[], $7::text[], $8::uuid[],
    $9::timestamptz[], $10::int[], $11::text[], $12::timestamptz[], $13::int[], $14::json[], $15::text[],
    $16::text[], $17::boolean[]) AS c({COLUMNS}, request, traceparent, sliding_with, displaced)
ORDER BY case_id
ON CONFLICT (case_id) DO UPDATE SET state = excluded.state, attempt = excluded.attempt,
    tries_from = excluded.tries_from, match_id = excluded.match_id, lane = excluded.lane,
    holder = excluded.holder, held_until = excluded.held_until,
    appointment_version = excluded.appointment_version, reason = excluded.reason,
    next_review = excluded.next_review, request_version = excluded.request_version,
    sliding_with = excluded.sliding_with, displaced = excluded.displaced, request = coalesce(excluded.request, cases.request),
    person_id = coalesce(excluded.person_id, cases.person_id), changed_at = excluded.changed_at,
    traceparent = coalesce(excluded.traceparent, cases.traceparent)
"""

# The priority of a closed alarm is never read again, and an alarm that is closed stays closed, whatever comes late.
# `changed_at` is when it was said, not when it was heard: nothing on this topic waits for anything, so an event that
# was set aside and comes later must not undo what a human judged since.
PUT_ALARMS = """
INSERT INTO alarms (alarm_id, case_id, priority, changed_at, closed)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::timestamptz[], $5::boolean[]) AS a ORDER BY 1
ON CONFLICT (alarm_id) DO UPDATE SET closed = alarms.closed OR excluded.closed,
    priority = CASE WHEN excluded.changed_at >= alarms.changed_at THEN excluded.priority ELSE alarms.priority END,
    changed_at = greatest(alarms.changed_at, excluded.changed_at)
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it was made (JSON), and the priority of the gravest alarm that is open."""

    request: str
    alarm_priority: int | None


@dataclass(frozen=True, slots=True)
class Alarm:
    """What an alarm means for the order of cases, and since when."""

    alarm_id: UUID
    case_id: UUID
    priority: int
    changed_at: datetime
    closed: bool = False


async def lock_cases(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, Case]:
    """Those of these cases that are known, locked until the end of the transaction."""
    return {row["case_id"]: _case(row) for row in await tx.connection.fetch(LOCK, list(ids))}


async def lock_past_hours(tx: Transaction, now: datetime, limit: int) -> list[Case]:
    """Cases whose booked hour is over and still counts, locked; those that somebody works on are left out."""
    return [_case(row) for row in await tx.connection.fetch(LOCK_PAST, now, limit)]


async def requests_of(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, Asked]:
    """What these cases asked for."""
    rows = await tx.connection.fetch(REQUESTS, list(ids)) if ids else []
    return {row["case_id"]: Asked(row["request"], row["alarm_priority"]) for row in rows}


async def alarm_priorities(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, int]:
    """The priority of the gravest open alarm of each case that has one; an alarm may come before its case."""
    rows = await tx.connection.fetch(ALARM_PRIORITIES, list(ids)) if ids else []
    return {row["case_id"]: row["priority"] for row in rows}


async def save_cases(tx: Transaction, cases: Sequence[tuple[Case, str | None]]) -> None:
    """Writes how cases stand; the request (JSON) only where it is new."""
    if not cases:
        return
    standing = [case for case, _ in cases]
    await tx.connection.execute(
        SAVE,
        [case.case_id for case in standing],
        [case.person_id for case in standing],
        [case.state for case in standing],
        [case.attempt for case in standing],
        [case.tries_from for case in standing],
        [case.match_id for case in standing],
        [case.lane for case in standing],
        [case.holder for case in standing],
        [case.held_until for case in standing],
        [case.appointment_version for case in standing],
        [case.reason for case in standing],
        [case.next_review for case in standing],
        [case.request_version for case in standing],
        [request for _, request in cases],
        [tx.traceparent_of(str(case.case_id)) for case in standing],
        [" ".join(map(str, case.sliding_with)) for case in standing],
        [case.displaced for case in standing],
        tx.now,
    )


async def put_alarms(tx: Transaction, alarms: Sequence[Alarm]) -> None:
    """Kept by their ids, the latest word of each."""
    rows = [(one.alarm_id, one.case_id, one.priority, one.changed_at, one.closed) for one in alarms]
    await tx.connection.execute(PUT_ALARMS, *zip(*rows, strict=True))


def _case(row: asyncpg.Record) -> Case:
    return Case(**dict(row) | {"sliding_with": tuple(row["sliding_with"])})
