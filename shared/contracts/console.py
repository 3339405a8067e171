"""What console says: what humans have done of the worklist."""

from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime

from shared.contracts.base import Event


class TaskDone(Event):
    """Somebody did, at the worklist, what `opened_by` (a service) had opened; `outcome` is one of the task's own codes."""

    type_name: ClassVar[str] = "console.task_done.v1"
    topic: ClassVar[str] = "console.tasks"
    key_field: ClassVar[str] = "task_id"

    task_id: UUID
    opened_by: str
    kind: str
    outcome: str
    done_by: str
    done_at: AwareDatetime


EVENTS: tuple[type[Event], ...] = (TaskDone,)
