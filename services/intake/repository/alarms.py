"""Alarms: raised with the request, listed by when they are due, taken and closed by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.intake.domain.alarms import AlarmStanding, Staff
from services.intake.domain.new_case import NewCase
from shared.messaging import Transaction

SAVE = """
INSERT INTO alarms (alarm_id, case_id, person_id, level, rule, rule_version, province, languages, reachable,
    due_by, raised_at)
SELECT alarm_id, case_id, person_id, level, rule, rule_version, province, string_to_array(languages, ','),
    reachable, due_by, $11
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
        $9::boolean[], $10::timestamptz[])
    AS a(alarm_id, case_id, person_id, level, rule, rule_version, province, languages, reachable, due_by)
"""

LIST = """
SELECT a.alarm_id::text, c.case_code, a.level, a.state, a.raised_at, a.due_by, a.reachable, a.province, a.languages,
    a.acknowledged_by, a.acknowledged_name, a.acknowledged_at, a.closed_by, a.closed_name, a.closed_at, a.outcome
FROM alarms a JOIN cases c USING (case_id)
WHERE a.state = ANY ($1) AND (a.due_by, a.alarm_id) > ($2, $3)
ORDER BY a.due_by, a.alarm_id
LIMIT $4
"""

LOCK = """
SELECT alarm_id, case_id, state, acknowledged_by, closed_by
FROM alarms WHERE alarm_id = ANY ($1) ORDER BY alarm_id FOR NO KEY UPDATE
"""

ACKNOWLEDGE = """
UPDATE alarms a
SET state = 'acknowledged', acknowledged_by = n.id, acknowledged_name = n.name, acknowledged_at = $4
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS n(alarm_id, id, name)
WHERE a.alarm_id = n.alarm_id
"""

CLOSE = """
UPDATE alarms a
SET state = 'closed', closed_by = n.id, closed_name = n.name, closed_at = $6, outcome = n.outcome,
    reason = n.reason
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[]) AS n(alarm_id, id, name, outcome, reason)
WHERE a.alarm_id = n.alarm_id
"""


@dataclass(frozen=True, slots=True)
class Page:
    """Alarms in these states, after a place in the order of (due_by, alarm_id)."""

    states: tuple[str, ...]
    after: tuple[datetime, UUID]
    limit: int


@dataclass(frozen=True, slots=True)
class Taken:
    """An alarm that somebody has now."""

    alarm_id: UUID
    case_id: UUID
    staff: Staff


@dataclass(frozen=True, slots=True)
class Closed:
    """An alarm that somebody is done with; the reason stays in its row."""

    alarm_id: UUID
    case_id: UUID
    staff: Staff
    outcome: str
    reason: str


async def save_alarms(tx: Transaction, cases: Sequence[NewCase]) -> None:
    """Those of these cases that raise one, in the transaction of the answers."""
    raised = [(case, case.alarm, case.request) for case in cases if case.alarm]
    if raised:
        await tx.connection.execute(
            SAVE,
            [alarm.alarm_id for _, alarm, _ in raised],
            [case.case_id for case, _, _ in raised],
            [case.person_id for case, _, _ in raised],
            [alarm.raised.level for _, alarm, _ in raised],
            [alarm.raised.rule for _, alarm, _ in raised],
            [alarm.raised.version for _, alarm, _ in raised],
            [request.needs.province for _, _, request in raised],
            [",".join(request.needs.languages) for _, _, request in raised],
            [request.contact.reachable for _, _, request in raised],
            [alarm.due_by for _, alarm, _ in raised],
            tx.now,
        )


async def list_alarms(tx: Transaction, page: Page) -> list[dict[str, Any]]:
    """One page in the order in which somebody has to act."""
    records = await tx.connection.fetch(LIST, page.states, *page.after, page.limit)
    return [dict(record) for record in records]


async def lock_alarms(tx: Transaction, alarm_ids: Sequence[UUID]) -> dict[UUID, AlarmStanding]:
    """The alarms there are, held until what is decided about them is saved."""
    records = await tx.connection.fetch(LOCK, list(set(alarm_ids)))
    return {record["alarm_id"]: AlarmStanding(*record.values()) for record in records}


async def save_taken(tx: Transaction, taken: Sequence[Taken]) -> None:
    """Named humans have them."""
    if taken:
        rows = [(one.alarm_id, one.staff.id, one.staff.name) for one in taken]
        await tx.connection.execute(ACKNOWLEDGE, *zip(*rows, strict=True), tx.now)


async def save_closed(tx: Transaction, closed: Sequence[Closed]) -> None:
    """Named humans are done with them."""
    if closed:
        rows = [(one.alarm_id, one.staff.id, one.staff.name, one.outcome, one.reason) for one in closed]
        await tx.connection.execute(CLOSE, *zip(*rows, strict=True), tx.now)
