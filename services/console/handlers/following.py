"""Kafka in: tasks that services open and close, and whose each site is. It says nothing."""

from collections.abc import Sequence

from services.console.domain.tasks import Task
from services.console.repository import tasks
from services.console.repository.tasks import Closing
from shared.contracts.scheduling import SiteChanged
from shared.contracts.tasks import Closed, Opened
from shared.messaging import Transaction


async def open_tasks(events: Sequence[Opened], tx: Transaction) -> None:
    """What is to be done; a service's own topic says in order what it opens and closes."""
    await tasks.open_tasks(
        tx,
        [
            Task(
                task_id=e.task_id,
                opened_by=e.type_name.partition(".")[0],
                kind=e.kind,
                queue=e.queue,
                outcomes=e.outcomes,
                due_by=e.due_by,
                priority=e.priority,
                case_id=e.case_id,
                therapist_id=e.therapist_id,
                site_id=e.site_id,
                opened_at=e.opened_at,
                appointment_id=e.appointment_id,
            )
            for e in events
        ],
    )


async def close_tasks(events: Sequence[Closed], tx: Transaction) -> None:
    """What was done at the service, or needs nobody any more."""
    await tasks.close_tasks(tx, [Closing(e.task_id, e.outcome, e.closed_by, e.closed_at) for e in events])


async def know_sites(events: Sequence[SiteChanged], tx: Transaction) -> None:
    """Whose they are."""
    await tasks.know_sites(tx, [(e.site_id, e.organisation) for e in events])
