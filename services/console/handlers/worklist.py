"""What humans do at the worklist: look, take a task, say what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.console.domain.tasks import Human, Refused, Task, claimed, finished
from services.console.repository import tasks
from services.console.repository.tasks import Sight, Wanted
from shared.contracts.console import TaskDone
from shared.messaging import Transaction

Codes = Mapping[UUID, str]


@dataclass(frozen=True, slots=True)
class Claiming:
    """Somebody takes a task of which they have seen this version."""

    task_id: UUID
    sight: Sight
    by: Human
    seen: int | None


@dataclass(frozen=True, slots=True)
class Finishing(Claiming):
    """Somebody says what came of it."""

    outcome: str


@dataclass(frozen=True, slots=True)
class Listed:
    """Tasks with the codes of the cases they are about."""

    tasks: Sequence[Task]
    codes: Codes


async def look(sight: Sight, wanted: Wanted, tx: Transaction) -> Listed:
    """A page of what somebody may see, due first."""
    return await _listed(await tasks.page(tx, sight, wanted), tx)


async def see(sight: Sight, task_id: UUID, tx: Transaction) -> Listed:
    """One task, or none where it is not for these eyes."""
    task = await tasks.lock(tx, sight, task_id)
    return await _listed([task] if task else [], tx)


async def of_case(sight: Sight, case_id: UUID, tx: Transaction) -> Listed:
    """What is to be done about one case, as far as somebody may see it."""
    return await _listed(await tasks.of_case(tx, sight, case_id), tx)


async def claim(claiming: Claiming, tx: Transaction) -> Listed | Refused:
    """The task as it stands then; nothing is said of it: to whom it is does not matter to its service."""
    task = await tasks.lock(tx, claiming.sight, claiming.task_id)
    if task is None:
        return Refused("unknown")
    after = claimed(task, claiming.by, claiming.seen, tx.now)
    if isinstance(after, Refused):
        return after
    if after is not task:
        await tasks.save(tx, after)
    return await _listed([after], tx)


async def finish(finishing: Finishing, tx: Transaction) -> Listed | Refused:
    """The task as it is done, which is said to its service in the same transaction."""
    task = await tasks.lock(tx, finishing.sight, finishing.task_id)
    if task is None:
        return Refused("unknown")
    after = finished(task, finishing.by, finishing.seen, finishing.outcome, tx.now)
    if isinstance(after, Refused):
        return after
    if after is not task:
        await tasks.save(tx, after)
        tx.emit([_done(after)])
    return await _listed([after], tx)


async def _listed(found: Sequence[Task], tx: Transaction) -> Listed:
    return Listed(found, await tasks.codes(tx, sorted({one.case_id for one in found if one.case_id})))


def _done(task: Task) -> TaskDone:
    assert task.outcome is not None
    assert task.done_by is not None
    assert task.done_at is not None
    return TaskDone(
        task_id=task.task_id,
        opened_by=task.opened_by,
        kind=task.kind,
        outcome=task.outcome,
        done_by=task.done_by,
        done_at=task.done_at,
    )
