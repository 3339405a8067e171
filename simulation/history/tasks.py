"""What humans had to do: done by somebody with a name, and heard by the service that asked for it."""

from collections import Counter
from collections.abc import Iterator

from simulation.history.facts import History, Message, Task

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


def called_by_nobody(history: History) -> Iterator[str]:
    """Messages that count as told by a call, beyond the calls about their case in which somebody with a name reached
    the person."""
    reached = Counter(
        task.case_id
        for task in history.tasks
        if task.kind == "call_person" and task.outcome == "reached" and by_a_human(task)
    )
    for message in filter(told_by_call, history.messages):
        reached[message.case_id] -= 1
        if reached[message.case_id] < 0:
            yield str(message.message_id)


def told_by_call(message: Message) -> bool:
    """Whether a human has told it."""
    return (message.state, message.channel) == ("delivered", "call")


def by_a_human(task: Task) -> bool:
    """Whether somebody has done it in their own name."""
    named = bool(task.done_by and task.done_name)
    return task.state == "done" and named and task.done_by != "system"
