"""Tasks for coordinators: people who are booked with somebody who is out then, and credentials that run out.

They are looked for by a due row, a moment after whatever may call for them: an hour that was booked in the same moment
as its therapist was suspended is not missed, for there is a second look when both are long over.

What is opened and closed here is said for the worklist of all services; what was done there is closed here, silently.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from uuid import UUID

from services.matching.domain.continuity import OUTCOMES, Outcome, Task
from services.matching.domain.dates import to_be_renewed
from services.matching.domain.policy import Policy
from services.matching.handlers.announcing import task_changed
from services.matching.repository import continuity, therapists
from services.matching.repository.continuity import Done, Place, Renewal
from shared.contracts.console import TaskDone
from shared.messaging import Due, Transaction

DUE = "continuity"
# Longer than any transaction may take (`statement_timeout`, `idle_in_transaction_session_timeout`).
SECOND_LOOK = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Closing:
    """A coordinator, by name, says what came of a task."""

    task_id: UUID
    outcome: Outcome
    by: str
    name: str


@dataclass(frozen=True, slots=True)
class NotClosed:
    """Why not: there is no such task, it was closed otherwise before, or that cannot come of it."""

    why: Literal["unknown", "closed", "not_for_this"]


async def look_after(tx: Transaction, therapist_ids: Iterable[UUID]) -> None:
    """What these leave behind is looked for at once, and once more."""
    await tx.schedule([Due(DUE, str(one), tx.now, {"again": True}) for one in therapist_ids])


async def close_what_was_done(events: Sequence[TaskDone], tx: Transaction) -> None:
    """What somebody did at the worklist; it says nothing, the worklist knows."""
    ours = [one for one in events if one.opened_by == "matching"]
    if ours:
        await continuity.close_done(tx, [Done(e.task_id, e.outcome, e.done_by, e.done_at) for e in ours])


class ContinuityDesk:
    """What comes due, and what coordinators ask."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    async def look(self, dues: Sequence[Due], tx: Transaction) -> None:
        """Opens a task for each hour and each credential that needs one, and closes what nobody needs any more."""
        known = await therapists.read_therapists(tx, [UUID(due.key) for due in dues])
        validity = self._policy.credentials.validity
        ends = {one.id: to_be_renewed(one, validity, tx.now) for one in known}
        renewals = [Renewal(who, at) for who, at in ends.items() if at]
        length = timedelta(minutes=self._policy.minutes)
        hours = await continuity.look_for_hours(tx, list(ends), self._policy.continuity, length)
        changed = hours + await continuity.look_for_renewals(tx, list(ends), renewals)
        tx.emit(map(task_changed, changed), causes=[str(one.therapist_id) for one in changed])
        again = [Due(due.kind, due.key, tx.now + SECOND_LOOK) for due in dues if due.body.get("again")]
        await tx.schedule(again)

    async def page(self, limit: int, after: Place | None, tx: Transaction) -> list[Task]:
        """Open tasks, those due first."""
        return await continuity.page(tx, limit, after)

    async def close(self, closing: Closing, tx: Transaction) -> Task | NotClosed:
        """The task as it is closed; the same again is no other answer."""
        task = await continuity.lock(tx, closing.task_id)
        if task is None:
            return NotClosed("unknown")
        if task.closed_at is not None:
            same = (task.outcome, task.closed_by) == (closing.outcome, closing.by)
            return task if same else NotClosed("closed")
        if closing.outcome not in OUTCOMES[task.kind]:
            return NotClosed("not_for_this")
        closed = await continuity.close(tx, task, closing.outcome, closing.by, closing.name)
        tx.emit([task_changed(closed)])
        return closed
