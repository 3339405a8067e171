"""What a service says of work that only a human can do; each has types of its own, on its own topic `<service>.tasks`.

The service that opens a task keeps it, and says when nobody has to do it any more or somebody has done it there. console
keeps the list of all services; what was done at the list comes back as `console.task_done`.
"""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime

from shared.contracts.base import Event

# Who is to do it: the duty desk, care coordinators, the desk of a site, supervisors, whoever runs the system.
Queue = Literal["duty", "coordinator", "clinic", "supervisor", "data"]


class Opened(Event):
    """What every `task_opened` carries: who has to do what by when, and whom or where it is about. Nothing of why
    somebody asked for help.

    `kind` is the service's own word, `outcomes` are the codes of what may come of it, the usual one first. The higher
    the `priority`, the more urgent, as with cases. Opened again with the same id after `system` had closed it, it is to be
    done after all.
    """

    key_field: ClassVar[str] = "task_id"

    task_id: UUID
    kind: str
    queue: Queue
    outcomes: tuple[str, ...]
    due_by: AwareDatetime
    priority: int = 0
    case_id: UUID | None = None
    therapist_id: UUID | None = None
    site_id: UUID | None = None
    appointment_id: UUID | None = None
    opened_at: AwareDatetime


class Closed(Event):
    """What every `task_closed` carries: it was done at the service itself, or nobody has to do it any more.

    `closed_by` is a staff id, or `system`, whose outcome is `not_needed`.
    """

    key_field: ClassVar[str] = "task_id"

    task_id: UUID
    outcome: str
    closed_by: str
    closed_at: AwareDatetime
