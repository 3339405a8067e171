"""What a named human does with an alarm that is not closed: tries to reach the person, judges the danger anew."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.intake.domain.alarms import (
    AlarmPolicy,
    AlarmStanding,
    AttemptOutcome,
    Staff,
    Verdict,
    attempt,
    change_level,
)
from services.intake.domain.gates import GatePolicy
from services.intake.domain.vocabulary import Level
from services.intake.handlers.escalating import await_somebody, hold_untaken
from services.intake.handlers.gates import lock_with_cases, settle_judged
from services.intake.repository import alarms
from services.intake.repository.alarms import Attempted, LevelChanged
from shared.contracts.intake import AlarmAttempted, AlarmLevelChanged
from shared.messaging import Transaction
from shared.web import idempotency

SCOPE = "POST /v1/alarms/attempts"


@dataclass(frozen=True, slots=True)
class Attempting:
    """A human tried to reach the person; `body_hash` covers alarm and human too, for a key is used once only."""

    alarm_id: UUID
    staff: Staff
    outcome: AttemptOutcome
    note: str | None
    key: str
    body_hash: bytes


@dataclass(frozen=True, slots=True)
class Recorded:
    """The attempt as it was written down."""

    attempt_id: UUID
    outcome: AttemptOutcome
    by: str
    attempted_at: datetime


@dataclass(frozen=True, slots=True)
class Judging:
    """A human judges how grave it is; the reason is for the record and leaves it for nowhere."""

    alarm_id: UUID
    staff: Staff
    level: Level
    reason: str | None


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of it, and how the alarm stands."""

    verdict: Verdict
    alarm: AlarmStanding


async def record_attempts(
    attempts: Sequence[Attempting], tx: Transaction
) -> list[Recorded | Verdict | Exception | None]:
    """In their order: the row, why there is none, or None where there is no such alarm. A repeat is one row."""
    claims = await idempotency.claim(
        tx, [idempotency.KeyedRequest(SCOPE, one.key, one.body_hash) for one in attempts]
    )
    fresh = [one for one, claim in zip(attempts, claims, strict=True) if claim.state == "new"]
    known = await alarms.lock_alarms(tx, [one.alarm_id for one in fresh])
    rows = {one.key: _attempted(one, known, tx) for one in fresh}
    made = [(one, row) for one in fresh if isinstance(row := rows[one.key], Attempted)]
    await alarms.save_attempts(tx, [row for _, row in made])
    idempotency.record(
        tx,
        [(SCOPE, one.key, one.body_hash, 201, orjson.dumps(asdict(_recorded(row, tx)))) for one, row in made],
    )
    tx.emit(_said(row, tx) for _, row in made)
    return [
        _answer(rows[one.key], tx) if claim.state == "new" else _earlier(claim)
        for one, claim in zip(attempts, claims, strict=True)
    ]


async def change_levels(
    judgings: Sequence[Judging], tx: Transaction, policy: AlarmPolicy, gates: GatePolicy
) -> list[Judged | None]:
    """In their order, one after the other where they meet on one alarm; None where there is no such alarm. Whether
    the case goes on follows the level, and so does how long somebody is waited for before the next is asked."""
    await hold_untaken(tx, [one.alarm_id for one in judgings])
    cases, known = await lock_with_cases(tx, [one.alarm_id for one in judgings])
    answers: list[Judged | None] = []
    changes = []
    for one in judgings:
        before = known.get(one.alarm_id)
        if before is None:
            answers.append(None)
            continue
        verdict, after = change_level(before, one.level, one.reason, policy, tx.now)
        changes += [LevelChanged(before, after, one.staff, one.reason)] * (verdict == "done")
        known[one.alarm_id] = after
        answers.append(Judged(verdict, after))
    await alarms.save_level_changes(tx, changes)
    tx.emit(_changed(one, tx) for one in changes)
    open_now = [one.after for one in changes if one.after.state == "open"]
    await await_somebody(tx, [(one.alarm_id, one.due_by) for one in open_now])
    await settle_judged(tx, cases, changes, gates)
    return answers


def _attempted(
    one: Attempting, known: Mapping[UUID, AlarmStanding], tx: Transaction
) -> Attempted | Verdict | None:
    alarm = known.get(one.alarm_id)
    if alarm is None or (verdict := attempt(alarm)) != "done":
        return None if alarm is None else verdict
    return Attempted(tx.new_id(), alarm.alarm_id, alarm.case_id, one.staff, one.outcome, one.note)


def _recorded(row: Attempted, tx: Transaction) -> Recorded:
    return Recorded(row.attempt_id, row.outcome, row.staff.name, tx.now)


def _answer(row: Attempted | Verdict | None, tx: Transaction) -> Recorded | Verdict | None:
    return _recorded(row, tx) if isinstance(row, Attempted) else row


def _earlier(claim: idempotency.Claim) -> Recorded | Exception:
    if claim.state != "replay" or claim.response is None:
        return idempotency.refusal(claim)
    kept: dict[str, Any] = orjson.loads(claim.response)
    at = datetime.fromisoformat(kept["attempted_at"])
    return Recorded(UUID(kept["attempt_id"]), kept["outcome"], kept["by"], at)


def _said(row: Attempted, tx: Transaction) -> AlarmAttempted:
    return AlarmAttempted(
        case_id=row.case_id,
        alarm_id=row.alarm_id,
        staff_id=row.staff.id,
        outcome=row.outcome,
        attempted_at=tx.now,
    )


def _changed(change: LevelChanged, tx: Transaction) -> AlarmLevelChanged:
    after = change.after
    return AlarmLevelChanged(
        case_id=after.case_id,
        alarm_id=after.alarm_id,
        staff_id=change.staff.id,
        level=after.level,
        due_by=after.due_by,
        changed_at=tx.now,
    )
