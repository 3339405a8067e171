"""What named humans judge about alarms decides about the gate of the case, in the same transaction.

The case is locked before its alarms, as by everybody else who takes both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from services.intake.domain.alarms import AlarmStanding
from services.intake.domain.gates import GatePolicy, held, released
from services.intake.domain.wishes import KeptRequest
from services.intake.handlers.announcements import updated
from services.intake.handlers.withdrawal import end_for_refusal
from services.intake.repository import alarms, gates, requests, standings
from services.intake.repository.alarms import Closed, LevelChanged
from shared.messaging import Transaction

Locked = tuple[dict[UUID, KeptRequest], dict[UUID, AlarmStanding]]  # by case, by alarm


async def lock_with_cases(tx: Transaction, alarm_ids: Sequence[UUID]) -> Locked:
    """The cases of these alarms with all their alarms, and the alarms themselves, until what is decided is saved."""
    cases = await requests.lock_requests(tx, await gates.cases_of(tx, alarm_ids))
    return cases, await alarms.lock_alarms(tx, alarm_ids)


async def settle_closed(
    tx: Transaction, before: Mapping[UUID, KeptRequest], closed: Sequence[Closed], policy: GatePolicy
) -> None:
    """How alarms were closed decides whether their cases go on; of several in one case all count."""
    by_alarm = {one.alarm_id: one for one in closed}
    asked = await gates.asked_for_care(tx, {one.case_id for one in closed})
    after = [
        released(
            replace(
                before[case_id],
                alarms=tuple(
                    replace(one, state="closed", outcome=by_alarm[one.alarm_id].outcome, closed_at=tx.now)
                    if one.alarm_id in by_alarm
                    else one
                    for one in before[case_id].alarms
                ),
            ),
            policy,
            tx.now,
            asked_for_care=case_id in asked,
        )
        for case_id in {one.case_id for one in closed}
    ]
    await keep(tx, before, after)


async def settle_judged(
    tx: Transaction, before: Mapping[UUID, KeptRequest], changes: Sequence[LevelChanged], policy: GatePolicy
) -> None:
    """A level that waits for a human holds the gate; one that does not lets go of it."""
    levels = {change.after.alarm_id: change.after.level for change in changes}
    graver = {change.after.case_id for change in changes if levels[change.after.alarm_id] in policy.holding}
    asked = await gates.asked_for_care(tx, {change.after.case_id for change in changes})
    after = []
    for case_id in {change.after.case_id for change in changes}:
        alarms_now = tuple(
            replace(one, level=levels.get(one.alarm_id, one.level)) for one in before[case_id].alarms
        )
        case = replace(before[case_id], alarms=alarms_now)
        after.append(
            held(case, tx.now)
            if case_id in graver
            else released(case, policy, tx.now, asked_for_care=case_id in asked)
        )
    await keep(tx, before, after)


async def keep(tx: Transaction, before: Mapping[UUID, KeptRequest], after: Sequence[KeptRequest]) -> None:
    """Saves and says what is other than it was before, of cases under lock."""
    changed = [one for one in after if one.request_version != before[one.case_id].request_version]
    await requests.save_requests(tx, changed)
    await standings.follow_gates(tx, [one.case_id for one in changed])
    tx.emit([updated(request, tx.now) for request in changed])
    ended = [one for one in after if one.closed and not before[one.case_id].closed]
    await end_for_refusal(ended, tx)
