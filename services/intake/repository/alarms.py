"""Alarms: raised with the request, taken, judged anew and closed by name. `alarm_views` reads them for the desk."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.intake.domain.alarms import AlarmStanding, AttemptOutcome, Staff
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

LOCK = """
SELECT alarm_id, case_id, state, level, due_by, acknowledged_by, closed_by
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

SAVE_ATTEMPTS = """
INSERT INTO alarm_attempts (attempt_id, alarm_id, staff_id, staff_name, outcome, note, attempted_at)
SELECT *, $7 FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[])
"""

SAVE_LEVEL_CHANGES = """
INSERT INTO alarm_level_changes (change_id, alarm_id, staff_id, staff_name, level_before, level, due_by, reason,
    changed_at)
SELECT *, $9 FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[],
    $8::text[])
"""

# Of several changes in one batch each is in the history; the alarm itself gets the last.
SAVE_LEVELS = """
UPDATE alarms a SET level = n.level, due_by = n.due_by
FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS n(alarm_id, level, due_by)
WHERE a.alarm_id = n.alarm_id
"""


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


@dataclass(frozen=True, slots=True)
class Attempted:
    """Somebody tried to reach the person; the note stays in its row."""

    attempt_id: UUID
    alarm_id: UUID
    case_id: UUID
    staff: Staff
    outcome: AttemptOutcome
    note: str | None


@dataclass(frozen=True, slots=True)
class LevelChanged:
    """An alarm as somebody judged it, and as it stood before; the reason stays in its row."""

    before: AlarmStanding
    after: AlarmStanding
    staff: Staff
    reason: str | None


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


async def save_attempts(tx: Transaction, attempted: Sequence[Attempted]) -> None:
    """Each attempt is a row of its own."""
    if attempted:
        rows = [
            (one.attempt_id, one.alarm_id, one.staff.id, one.staff.name, one.outcome, one.note)
            for one in attempted
        ]
        await tx.connection.execute(SAVE_ATTEMPTS, *zip(*rows, strict=True), tx.now)


async def save_level_changes(tx: Transaction, changes: Sequence[LevelChanged]) -> None:
    """In the order in which they were made."""
    if not changes:
        return
    rows = [
        (
            tx.new_id(),
            change.after.alarm_id,
            change.staff.id,
            change.staff.name,
            change.before.level,
            change.after.level,
            change.after.due_by,
            change.reason,
        )
        for change in changes
    ]
    await tx.connection.execute(SAVE_LEVEL_CHANGES, *zip(*rows, strict=True), tx.now)
    last = {change.after.alarm_id: change.after for change in changes}.values()
    stands = [(alarm.alarm_id, alarm.level, alarm.due_by) for alarm in last]
    await tx.connection.execute(SAVE_LEVELS, *zip(*stands, strict=True))
