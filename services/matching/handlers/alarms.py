"""Alarms, as the crisis group hears them: an open one moves its case forward in every later search."""

from collections.abc import Sequence

from services.matching.domain.policy import Policy
from services.matching.repository import cases
from shared.contracts.intake import AlarmClosed, AlarmRaised
from shared.messaging import Transaction


class AlarmBook:
    """Its methods are handlers; it says nothing."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    async def raise_priorities(self, events: Sequence[AlarmRaised], tx: Transaction) -> None:
        """An alarm may come before its case: it is kept by the case's id."""
        rows = [(e.alarm_id, e.case_id, self._policy.priority_of(e.level), False) for e in events]
        await cases.put_alarms(tx, rows)

    async def lower_priorities(self, events: Sequence[AlarmClosed], tx: Transaction) -> None:
        """A human has closed it."""
        await cases.put_alarms(tx, [(e.alarm_id, e.case_id, 0, True) for e in events])
