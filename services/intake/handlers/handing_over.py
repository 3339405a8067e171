"""An alarm changes hands: to a named colleague, for a reason, by whoever says so in their own name."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.intake.domain.alarms import AlarmPolicy, Staff, Verdict, hand_over
from services.intake.handlers.escalating import await_confirmation
from services.intake.repository import alarms, handovers
from services.intake.repository.handovers import HandedOver
from shared.contracts.intake import AlarmHandedOver
from shared.messaging import Transaction


@dataclass(frozen=True, slots=True)
class HandingOver:
    """A human gives an alarm to another; the reason is for the record and leaves it for nowhere."""

    alarm_id: UUID
    by: Staff
    to: Staff
    reason: str


async def hand_alarms_over(
    handing: Sequence[HandingOver], tx: Transaction, policy: AlarmPolicy
) -> list[Verdict | None]:
    """In their order, one after the other where they meet on one alarm; None where there is no such alarm."""
    known = await alarms.lock_alarms(tx, [one.alarm_id for one in handing])
    holders = await handovers.holders(tx, list(known))
    verdicts: list[Verdict | None] = []
    done: list[HandedOver] = []
    for one in handing:
        verdict = None
        if alarm := known.get(one.alarm_id):
            handover_id = tx.new_id()
            verdict, known[one.alarm_id] = hand_over(alarm, one.by, one.to, handover_id)
            if verdict == "done":
                ids, holder = (handover_id, alarm.alarm_id, alarm.case_id), holders[one.alarm_id]
                done.append(HandedOver(*ids, one.by, holder, one.to, one.reason))
                holders[one.alarm_id] = one.to
        verdicts.append(verdict)
    await handovers.save_handovers(tx, done)
    tx.emit(_said(one, tx) for one in done)
    await await_confirmation(tx, [(one, known[one.alarm_id].level) for one in done], policy)
    return verdicts


def _said(one: HandedOver, tx: Transaction) -> AlarmHandedOver:
    return AlarmHandedOver(
        case_id=one.case_id,
        alarm_id=one.alarm_id,
        staff_id=one.by.id,
        to_staff_id=one.to.id,
        handed_over_at=tx.now,
    )
