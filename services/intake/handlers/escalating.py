"""A handover that nobody has confirmed in time goes to the next on the rota, again and again until somebody says that
they have the alarm. Whoever is asked is paged; who has the alarm changes only by their own word."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

from services.intake.domain.alarms import AlarmPolicy, AlarmStanding, Staff, confirmed
from services.intake.domain.rota import next_on
from services.intake.domain.vocabulary import Level
from services.intake.repository import alarms, handovers, rota
from services.intake.repository.handovers import Escalated, HandedOver
from shared.contracts.intake import AlarmEscalated
from shared.messaging import Due, Transaction

DUE = "handover"


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
    staffing = await rota.read_staffing(tx)
    asked = await handovers.asked_so_far(tx, list(waiting))
    told = {name: next_on(staffing, alarm.level, asked[name]) for name, alarm in waiting.items()}
    await handovers.save_escalations(
        tx, [Escalated(tx.new_id(), alarm.alarm_id, name, told[name]) for name, alarm in waiting.items()]
    )
    tx.emit(_said(alarm, told[name], tx) for name, alarm in waiting.items())
    await tx.schedule(
        [_due(one.alarm_id, name, tx, policy.confirm_within[one.level]) for name, one in waiting.items()]
    )


def due_handlers(
    policy: AlarmPolicy,
) -> Mapping[str, Callable[[Sequence[Due], Transaction], Awaitable[None]]]:
    """What the crisis role works off."""
    return {DUE: partial(escalate_handovers, policy=policy)}


def _due(alarm_id: UUID, handover_id: UUID, tx: Transaction, after: timedelta) -> Due:
    body = {"alarm_id": str(alarm_id), "handover_id": str(handover_id)}
    return Due(DUE, str(handover_id), tx.now + after, body)


def _said(alarm: AlarmStanding, to: Staff | None, tx: Transaction) -> AlarmEscalated:
    return AlarmEscalated(
        case_id=alarm.case_id,
        alarm_id=alarm.alarm_id,
        level=alarm.level,
        to_staff_id=to.id if to else None,
        escalated_at=tx.now,
    )
