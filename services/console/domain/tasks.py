"""What may become of a task of the worklist: somebody takes it, takes it over, says what came of it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

State = Literal["open", "claimed", "done"]
Why = Literal[
    "unknown",
    "version_missing",
    "changed",
    "already_done",
    "held_by_another",
    "closes_itself",
    "not_for_this",
]

# What each role is shown and may do. Clinic desks only what is to be done at their organisation's sites.
QUEUES: dict[str, tuple[str, ...]] = {
    "coordinator": ("coordinator", "clinic", "supervisor"),
    "supervisor": ("supervisor",),
    "duty_clinician": ("duty",),
    "clinic_desk": ("clinic",),
    "operator": ("data",),
}


# What somebody does while its hours may end: what came of it is true all the same, and makes another one needless.
CALL = "call_person"


@dataclass(frozen=True, slots=True)
class Human:
    """A member of staff, by the name that is kept with what they do."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Task:
    """What a service has opened, as it stands. No outcomes: it is closed by itself once what it is about is settled."""

    task_id: UUID
    opened_by: str
    kind: str
    queue: str
    outcomes: tuple[str, ...]
    due_by: datetime
    priority: int
    case_id: UUID | None
    therapist_id: UUID | None
    site_id: UUID | None
    opened_at: datetime
    state: State = "open"
    claimed_by: str | None = None
    claimed_name: str | None = None
    claimed_at: datetime | None = None
    outcome: str | None = None
    done_by: str | None = None
    done_name: str | None = None
    done_at: datetime | None = None
    version: int = 1
    appointment_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Why not; `version` is that of the task as it is."""

    why: Why
    version: int = 0


def claimed(task: Task, by: Human, seen: int | None, now: datetime) -> Task | Refused:
    """Theirs from now on. Whoever has seen that somebody else has it takes it over; doing it twice changes nothing."""
    if task.state == "done":
        return Refused("already_done", task.version)
    if task.claimed_by == by.id:
        return task
    if refused := _unseen(task, seen):
        return refused
    return replace(
        task,
        state="claimed",
        claimed_by=by.id,
        claimed_name=by.name,
        claimed_at=now,
        version=task.version + 1,
    )


def finished(task: Task, by: Human, seen: int | None, outcome: str, now: datetime) -> Task | Refused:
    """Done by them, with one of the task's own codes; the same again changes nothing. Whoever had a call when it was
    closed by itself says what came of it still."""
    late = _closed_in_their_hands(task, by)
    if task.state == "done" and not late:
        same = (task.done_by, task.outcome) == (by.id, outcome)
        return task if same else Refused("already_done", task.version)
    if not task.outcomes:
        return Refused("closes_itself", task.version)
    if outcome not in task.outcomes:
        return Refused("not_for_this", task.version)
    # That it was closed is all they may have missed: whoever has it opened again has it no more.
    if refused := _unseen(task, task.version if late and seen == task.version - 1 else seen):
        return refused
    if task.claimed_by not in (None, by.id):
        return Refused("held_by_another", task.version)
    return replace(
        task,
        state="done",
        outcome=outcome,
        done_by=by.id,
        done_name=by.name,
        done_at=now,
        version=task.version + 1,
    )


def _closed_in_their_hands(task: Task, by: Human) -> bool:
    return (task.kind, task.done_by, task.claimed_by) == (CALL, "system", by.id)


def _unseen(task: Task, seen: int | None) -> Refused | None:
    if seen is None:
        return Refused("version_missing", task.version)
    return None if seen == task.version else Refused("changed", task.version)
