"""What nobody answers for in time goes to the next on the rota, again and again until somebody says that they have the alarm:
one that was raised and that nobody takes, and a handover that nobody confirms. Whoever is asked is paged; who has the
alarm changes only by their own word."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from services.intake.domain.alarms import AlarmPolicy, AlarmStanding, confirmed, escalates
from services.intake.domain.rota import next_on
from services.intake.domain.vocabulary import Level
from services.intake.repository import alarms, handovers, rota
from services.intake.repository.handovers import Escalated, HandedOver
from shared.contracts.intake import AlarmEscalated
from shared.messaging import Due, Transaction

DUE = "handover"
UNTAKEN = "untaken"

# An alarm, the handover of it that waits if one does, and whom it was told to so far.
Waiting = tuple[AlarmStanding, UUID | None, Sequence[str]]


async def await_somebody(tx: Transaction, untaken: Sequence[tuple[UUID, datetime]]) -> None:
    """Each (alarm, when somebody must be on it) is looked at then; one that is awaited already is moved to then."""
    await tx.schedule([Due(UNTAKEN, str(alarm_id), due_by) for alarm_id, due_by in untaken])


async def hold_untaken(tx: Transaction, alarm_ids: Sequence[UUID]) -> None:
    """Before their alarms are locked by whoever may move them: a row that comes due is claimed before its alarm."""
    await tx.hold_due(UNTAKEN, [str(alarm_id) for alarm_id in alarm_ids])


async def escalate_alarms(dues: Sequence[Due], tx: Transaction, policy: AlarmPolicy) -> None:
    """What somebody has taken leaves its row, which then says nothing; what has got more time waits for its end."""
    known = await alarms.lock_alarms(tx, [UUID(due.key) for due in dues])
    late = [alarm for alarm in known.values() if escalates(alarm, tx.now)]
    early = [one for one in known.values() if one.state == "open" and not escalates(one, tx.now)]
    asked = await handovers.asked_for_untaken(tx, [alarm.alarm_id for alarm in late])
    await _ask_next(tx, [(alarm, None, asked[alarm.alarm_id]) for alarm in late])
    again = [(one.alarm_id, tx.now + policy.confirm_within[one.level]) for one in late]
    await await_somebody(tx, again + [(one.alarm_id, one.due_by) for one in early])


async def await_confirmation(
    tx: Transaction, given: Sequence[tuple[HandedOver, Level]], policy: AlarmPolicy
) -> None:
    """Each is looked at again after the time that its level gives."""
    await tx.schedule(
        [
            _due(one.alarm_id, one.handover_id, tx, policy.confirm_within[level])
            for one, level in given
            if not confirmed(one.by, one.to)
        ]
    )


async def escalate_handovers(dues: Sequence[Due], tx: Transaction, policy: AlarmPolicy) -> None:
    """What was confirmed, closed or handed over once more leaves its row, which then says nothing."""
    handed = {UUID(due.body["handover_id"]): UUID(due.body["alarm_id"]) for due in dues}
    known = await alarms.lock_alarms(tx, list(handed.values()))
    waiting = {
        handover_id: known[alarm_id]
        for handover_id, alarm_id in handed.items()
        if alarm_id in known and known[alarm_id].unconfirmed_handover == handover_id
    }
    asked = await handovers.asked_so_far(tx, list(waiting))
    await _ask_next(tx, [(alarm, name, asked[name]) for name, alarm in waiting.items()])
    await tx.schedule(
        [_due(one.alarm_id, name, tx, policy.confirm_within[one.level]) for name, one in waiting.items()]
    )


def due_handlers(
    policy: AlarmPolicy,
) -> Mapping[str, Callable[[Sequence[Due], Transaction], Awaitable[None]]]:
    """What the crisis role works off."""
    return {
        DUE: partial(escalate_handovers, policy=policy),
        UNTAKEN: partial(escalate_alarms, policy=policy),
    }


async def _ask_next(tx: Transaction, waiting: Sequence[Waiting]) -> None:
    if not waiting:
        return
    staffing = await rota.read_staffing(tx)
    told = [
        Escalated(tx.new_id(), alarm.alarm_id, handover_id, next_on(staffing, alarm.level, asked))
        for alarm, handover_id, asked in waiting
    ]
    await handovers.save_escalations(tx, told)
    tx.emit(_said(alarm, one, tx) for (alarm, _, _), one in zip(waiting, told, strict=True))


def _due(alarm_id: UUID, handover_id: UUID, tx: Transaction, after: timedelta) -> Due:
    body = {"alarm_id": str(alarm_id), "handover_id": str(handover_id)}
    return Due(DUE, str(handover_id), tx.now + after, body)


def _said(alarm: AlarmStanding, one: Escalated, tx: Transaction) -> AlarmEscalated:
    return AlarmEscalated(
        case_id=alarm.case_id,
        alarm_id=alarm.alarm_id,
        level=alarm.level,
        missing="confirmation" if one.handover_id else "acknowledgement",
        to_staff_id=one.to.id if one.to else None,
        escalated_at=tx.now,
    )
