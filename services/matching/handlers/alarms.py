"""Alarms, as the crisis group hears them: an open one moves its case forward in every later search."""

from collections.abc import Sequence

from services.matching.domain.policy import Policy
from services.matching.repository import cases
from services.matching.repository.cases import Alarm
from shared.contracts.intake import AlarmClosed, AlarmLevelChanged, AlarmRaised
from shared.messaging import Transaction


class AlarmBook:
    """Its methods are handlers; it says nothing."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    async def raise_priorities(self, events: Sequence[AlarmRaised], tx: Transaction) -> None:
        """An alarm may come before its case: it is kept by the case's id."""
        await cases.put_alarms(
            tx, [Alarm(e.alarm_id, e.case_id, self._policy.priority_of(e.level), e.raised_at) for e in events]
        )

    async def follow_levels(self, events: Sequence[AlarmLevelChanged], tx: Transaction) -> None:
        """A human judged it anew. The newest judgement counts, in whatever order they are heard."""
        await cases.put_alarms(
            tx,
            [Alarm(e.alarm_id, e.case_id, self._policy.priority_of(e.level), e.changed_at) for e in events],
        )

    async def lower_priorities(self, events: Sequence[AlarmClosed], tx: Transaction) -> None:
        """A human has closed it."""
        await cases.put_alarms(
            tx, [Alarm(e.alarm_id, e.case_id, 0, e.closed_at, closed=True) for e in events]
        )
