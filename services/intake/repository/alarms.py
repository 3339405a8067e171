"""Alarms: raised with the request, listed by when they are due, taken and closed by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.intake.domain.alarms import AlarmStanding
from services.intake.domain.vocabulary import Level
from services.intake.repository.columns import columns
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
SELECT a.alarm_id, c.case_code, a.level, a.state, a.raised_at, a.due_by, a.reachable, a.province, a.languages,
    a.acknowledged_by, a.acknowledged_name, a.acknowledged_at, a.closed_by, a.closed_name, a.closed_at, a.outcome
FROM alarms a JOIN cases c USING (case_id)
WHERE a.state = ANY ($1) AND (a.due_by, a.alarm_id) > ($2, $3)
ORDER BY a.due_by, a.alarm_id
LIMIT $4
"""

LOCK = """
SELECT alarm_id, case_id, state, acknowledged_by, closed_by FROM alarms WHERE alarm_id = $1 FOR UPDATE
"""

ACKNOWLEDGE = """
UPDATE alarms
SET state = 'acknowledged', acknowledged_by = $2, acknowledged_name = $3, acknowledged_at = $4
WHERE alarm_id = $1
"""

CLOSE = """
UPDATE alarms
SET state = 'closed', closed_by = $2, closed_name = $3, closed_at = $4, outcome = $5, reason = $6
WHERE alarm_id = $1
"""


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """A new alarm; `languages` joined by commas."""

    alarm_id: UUID
    case_id: UUID
    person_id: UUID
    level: Level
    rule: str
    rule_version: str
    province: str
    languages: str
    reachable: bool
    due_by: datetime


async def save_alarms(tx: Transaction, rows: Sequence[AlarmRow]) -> None:
    """In the transaction of the answers that raised them."""
    if rows:
        await tx.connection.execute(SAVE, *columns(rows), tx.now)


async def list_alarms(
    tx: Transaction, states: Sequence[str], after: tuple[datetime, UUID], limit: int
) -> list[dict[str, Any]]:
    """One page in the order in which somebody has to act."""
    records = await tx.connection.fetch(LIST, list(states), *after, limit)
    return [dict(record) for record in records]


async def lock_alarm(tx: Transaction, alarm_id: UUID) -> AlarmStanding | None:
    """The alarm, held until the decision about it is saved."""
    record = await tx.connection.fetchrow(LOCK, alarm_id)
    return AlarmStanding(*record.values()) if record else None


async def acknowledge(tx: Transaction, alarm_id: UUID, staff_id: str, name: str) -> None:
    """A named human has it."""
    await tx.connection.execute(ACKNOWLEDGE, alarm_id, staff_id, name, tx.now)


async def close(tx: Transaction, alarm_id: UUID, staff_id: str, name: str, outcome: str, reason: str) -> None:
    """A named human is done with it; the reason stays in this row."""
    await tx.connection.execute(CLOSE, alarm_id, staff_id, name, tx.now, outcome, reason)
