"""Dead letters are work for operators. A service whose handler fails may not be able to say so: console looks."""

import contextlib
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from services.console.domain.tasks import Task
from services.console.repository import data_tasks, tasks
from services.console.repository.data_tasks import KIND, Letter
from services.console.repository.tasks import Closing
from shared.contracts.topics import TOPICS
from shared.messaging import Due, Transaction

DUE = "data_tasks"
EVERY = timedelta(seconds=5)
# Whatever comes later for the same key waits behind it, so it is for today and not for some day.
WITHIN = timedelta(hours=1)

ABOUT_CASES = frozenset(topic.name for topic in TOPICS if topic.key == "case_id")


async def begin(tx: Transaction) -> None:
    """The first look; each look sees to the next."""
    await tx.schedule([Due(DUE, "all", tx.now)])


async def keep_data_tasks(_: Sequence[Due], tx: Transaction) -> None:
    """One task for each open dead letter; it is done when the letter was redriven or discarded."""
    known = await data_tasks.known(tx)
    letters = await data_tasks.letters(tx, known)
    opened = [_task(one) for one in letters if one.state == "open" and one.id not in known]
    settled = [_closing(one, tx) for one in letters if one.state != "open"]
    gone = known - {one.id for one in letters}
    if opened:
        await tasks.open_tasks(tx, opened)
    if settled or gone:
        forgotten = [Closing(one, "not_needed", "system", tx.now) for one in gone]
        await tasks.close_tasks(tx, [*settled, *forgotten])
    await tx.schedule([Due(DUE, "all", tx.now + EVERY)])


def _task(letter: Letter) -> Task:
    return Task(
        task_id=letter.id,
        opened_by=letter.service,
        kind=KIND,
        queue="data",
        outcomes=(),
        due_by=letter.failed_at + WITHIN,
        priority=1,
        case_id=_case(letter),
        therapist_id=None,
        site_id=None,
        opened_at=letter.failed_at,
    )


def _case(letter: Letter) -> UUID | None:
    """None too for a key that is none: that may be the very reason why it failed."""
    with contextlib.suppress(ValueError):
        return UUID(letter.key) if letter.topic in ABOUT_CASES else None
    return None


def _closing(letter: Letter, tx: Transaction) -> Closing:
    return Closing(letter.id, letter.state, letter.settled_by or "system", letter.settled_at or tx.now)
