"""The duty desk: a named human takes an alarm, and a named human closes it with an outcome and a reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.intake.domain.alarms import Outcome, Staff, Verdict, acknowledge, close
from services.intake.domain.gates import GatePolicy
from services.intake.handlers.gates import lock_with_cases, settle_closed
from services.intake.repository import alarm_views, alarms
from services.intake.repository.alarm_views import Page
from services.intake.repository.alarms import Closed, Taken
from shared.contracts.intake import AlarmAcknowledged, AlarmClosed
from shared.messaging import Transaction


@dataclass(frozen=True, slots=True)
class Taking:
    """A human takes an alarm."""

    alarm_id: UUID
    staff: Staff


@dataclass(frozen=True, slots=True)
class Closing:
    """A human closes an alarm; the reason is for the record and leaves it for nowhere."""

    alarm_id: UUID
    staff: Staff
    outcome: Outcome
    reason: str


async def list_alarms(pages: Sequence[Page], tx: Transaction) -> list[list[dict[str, Any]]]:
    """The pages, each in the order in which somebody has to act."""
    return [await alarm_views.list_alarms(tx, page) for page in pages]


async def look_at_alarms(alarm_ids: Sequence[UUID], tx: Transaction) -> list[dict[str, Any] | None]:
    """In the order of the ids; None where there is no such alarm."""
    found = await alarm_views.read_alarms(tx, alarm_ids)
    return [found.get(str(alarm_id)) for alarm_id in alarm_ids]


async def acknowledge_alarms(takings: Sequence[Taking], tx: Transaction) -> list[Verdict | None]:
    """One verdict each, None where there is no such alarm; of two who come together one is first."""
    known = await alarms.lock_alarms(tx, [one.alarm_id for one in takings])
    verdicts: list[Verdict | None] = []
    taken = []
    for one in takings:
        verdict = None
        if alarm := known.get(one.alarm_id):
            verdict, known[one.alarm_id] = acknowledge(alarm, one.staff)
            row = Taken(alarm.alarm_id, alarm.case_id, one.staff, alarm.unconfirmed_handover)
            taken += [row] * (verdict == "done")
        verdicts.append(verdict)
    await alarms.save_taken(tx, taken)
    tx.emit(_acknowledged(one, tx) for one in taken)
    return verdicts


async def close_alarms(
    closings: Sequence[Closing], tx: Transaction, policy: GatePolicy
) -> list[Verdict | None]:
    """As `acknowledge_alarms`; the outcome decides about the gate that the alarm closed."""
    cases, known = await lock_with_cases(tx, [one.alarm_id for one in closings])
    verdicts: list[Verdict | None] = []
    closed = []
    for one in closings:
        verdict = None
        if alarm := known.get(one.alarm_id):
            verdict, known[one.alarm_id] = close(alarm, one.staff)
            row = Closed(alarm.alarm_id, alarm.case_id, one.staff, one.outcome, one.reason)
            closed += [row] * (verdict == "done")
        verdicts.append(verdict)
    await alarms.save_closed(tx, closed)
    tx.emit(_closed(one, tx) for one in closed)
    await settle_closed(tx, cases, closed, policy)
    return verdicts


def _acknowledged(taken: Taken, tx: Transaction) -> AlarmAcknowledged:
    return AlarmAcknowledged(
        case_id=taken.case_id, alarm_id=taken.alarm_id, staff_id=taken.staff.id, acknowledged_at=tx.now
    )


def _closed(closed: Closed, tx: Transaction) -> AlarmClosed:
    return AlarmClosed(
        case_id=closed.case_id,
        alarm_id=closed.alarm_id,
        staff_id=closed.staff.id,
        outcome=closed.outcome,
        closed_at=tx.now,
    )
