"""Dead letters and readers that stand still are work for operators. A service whose handler fails may not be able to say so:
console looks."""

import contextlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from services.console.domain.tasks import Task
from services.console.repository import data_tasks, tasks
from services.console.repository.data_tasks import LETTER, READER, Letter, Reader
from services.console.repository.tasks import Closing
from shared.contracts.topics import TOPICS
from shared.messaging import Due, Transaction

DUE = "data_tasks"
EVERY = timedelta(seconds=5)
# Whatever comes later for the same key waits behind it, so it is for today and not for some day.
WITHIN = timedelta(hours=1)
# Everything in its partitions waits.
AT_ONCE = timedelta(minutes=15)
# A group has one task, however many of its partitions stand still: its id is made of the names.
READERS = UUID("5b0f2a52-6c0d-5d6e-9d0c-2f3a1b7c8e41")

ABOUT_CASES = frozenset(topic.name for topic in TOPICS if topic.key == "case_id")


async def begin(tx: Transaction) -> None:
    """The first look; each look sees to the next."""
    await tx.schedule([Due(DUE, "all", tx.now)])


async def keep_data_tasks(_: Sequence[Due], tx: Transaction) -> None:
    """One task for each open dead letter, done when the letter was redriven or discarded; one for each group that stands
    still, done when it goes on."""
    await _keep_letters(tx)
    await _keep_readers(tx)
    await tx.schedule([Due(DUE, "all", tx.now + EVERY)])


async def _keep_letters(tx: Transaction) -> None:
    known = await data_tasks.known(tx, LETTER)
    letters = await data_tasks.letters(tx, known)
    opened = [_task(one) for one in letters if one.state == "open" and one.id not in known]
    settled = [_closing(one, tx) for one in letters if one.state != "open"]
    gone = known - {one.id for one in letters}
    if opened:
        await tasks.open_tasks(tx, opened)
    if settled or gone:
        forgotten = [Closing(one, "not_needed", "system", tx.now) for one in gone]
        await tasks.close_tasks(tx, [*settled, *forgotten])


async def _keep_readers(tx: Transaction) -> None:
    known = await data_tasks.known(tx, READER)
    stopped = {uuid5(READERS, f"{one.service} {one.group}"): one for one in await data_tasks.stopped(tx)}
    if opened := [_stopped(task_id, one) for task_id, one in stopped.items() if task_id not in known]:
        await tasks.open_tasks(tx, opened)
    if gone_on := known - stopped.keys():
        await tasks.close_tasks(tx, [Closing(one, "goes_on", "system", tx.now) for one in gone_on])


def _task(letter: Letter) -> Task:
    due_by = letter.failed_at + WITHIN
    return _for_operators(letter.id, LETTER, letter.service, letter.failed_at, due_by, _case(letter))


def _stopped(task_id: UUID, reader: Reader) -> Task:
    return _for_operators(task_id, READER, reader.service, reader.since, reader.since + AT_ONCE)


def _for_operators(
    task_id: UUID, kind: str, service: str, since: datetime, due_by: datetime, case_id: UUID | None = None
) -> Task:
    return Task(
        task_id=task_id,
        opened_by=service,
        kind=kind,
        queue="data",
        outcomes=(),
        due_by=due_by,
        priority=1,
        case_id=case_id,
        therapist_id=None,
        site_id=None,
        opened_at=since,
    )


def _case(letter: Letter) -> UUID | None:
    """None too for a key that is none: that may be the very reason why it failed."""
    with contextlib.suppress(ValueError):
        return UUID(letter.key) if letter.topic in ABOUT_CASES else None
    return None


def _closing(letter: Letter, tx: Transaction) -> Closing:
    return Closing(letter.id, letter.state, letter.settled_by or "system", letter.settled_at or tx.now)
