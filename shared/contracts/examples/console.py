"""What console says in the story: a coordinator has seen to an hour whose therapist is away."""

from shared.contracts.base import Event
from shared.contracts.console import TaskDone
from shared.contracts.examples import story

EXAMPLES: tuple[Event, ...] = (
    TaskDone(
        task_id=story.TASK,
        opened_by="matching",
        kind="hour",
        outcome="rebooked",
        done_by=story.COORDINATOR,
        done_at=story.LATER,
    ),
)
