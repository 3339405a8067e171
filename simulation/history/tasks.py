"""What humans had to do: done by somebody with a name, and heard by the service that asked for it."""

from collections.abc import Iterator

from simulation.history.facts import History, Task

NOT_NEEDED = ("system", "not_needed")


def done_by_nobody(history: History) -> Iterator[str]:
    """Tasks that are done, and neither by a human with a name nor because nobody had to any more."""
    for task in history.tasks:
        if task.state == "done" and not by_a_human(task) and (task.done_by, task.outcome) != NOT_NEEDED:
            yield str(task.task_id)


def not_heard(history: History) -> Iterator[str]:
    """Tasks of which the service that opened them knows something else than the worklist."""
    for task in history.tasks:
        if task.heard != (task.outcome if task.state == "done" else None):
            yield str(task.task_id)


def by_a_human(task: Task) -> bool:
    """Whether somebody has done it in their own name."""
    named = bool(task.done_by and task.done_name)
    return task.state == "done" and named and task.done_by != "system"
