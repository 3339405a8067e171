"""What may become of a task, whoever asks and however often: pure rules."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.console.domain.tasks import Human, Refused, Task, claimed, finished

NOW = datetime(2026, 11, 27, 8, tzinfo=UTC)
ASMA, BILAL = Human("s-asma", "Asma"), Human("s-bilal", "Bilal")
TASK = Task(UUID(int=1), "matching", "hour", "coordinator", ("told", "stays"), NOW, 1, None, None, None, NOW)


def taken(task: Task | Refused) -> Task:
    assert isinstance(task, Task)
    return task


def why(task: Task | Refused) -> str:
    assert isinstance(task, Refused)
    return task.why


def test_whoever_takes_a_task_has_it_and_taking_it_twice_changes_nothing() -> None:
    mine = taken(claimed(TASK, ASMA, 1, NOW))
    assert (mine.state, mine.claimed_by, mine.claimed_name, mine.version) == ("claimed", "s-asma", "Asma", 2)
    assert claimed(mine, ASMA, 1, NOW) is mine


def test_nobody_takes_what_they_have_not_seen_as_it_is() -> None:
    mine = taken(claimed(TASK, ASMA, 1, NOW))
    assert why(claimed(TASK, BILAL, None, NOW)) == "version_missing"
    assert why(claimed(mine, BILAL, 1, NOW)) == "changed"
    theirs = taken(claimed(mine, BILAL, 2, NOW))
    assert (theirs.claimed_by, theirs.version) == ("s-bilal", 3)


def test_what_somebody_else_has_is_not_done_by_me() -> None:
    mine = taken(claimed(TASK, ASMA, 1, NOW))
    assert why(finished(mine, BILAL, 2, "told", NOW)) == "held_by_another"
    done = taken(finished(mine, ASMA, 2, "told", NOW))
    assert (done.state, done.outcome, done.done_by, done.done_name) == ("done", "told", "s-asma", "Asma")


def test_an_outcome_is_one_of_the_tasks_own() -> None:
    assert why(finished(TASK, ASMA, 1, "renewed", NOW)) == "not_for_this"
    assert why(finished(replace(TASK, outcomes=()), ASMA, 1, "told", NOW)) == "closes_itself"


def test_whoever_is_calling_as_the_hours_end_says_what_came_of_it_and_nobody_else_does() -> None:
    call = replace(TASK, kind="call_person", outcomes=("reached", "not_reached"))
    mine = taken(claimed(call, ASMA, 1, NOW))
    ended = replace(mine, state="done", outcome="not_needed", done_by="system", done_at=NOW, version=3)
    for seen in (2, 3):  # as it was when the call began, or as it is
        done = taken(finished(ended, ASMA, seen, "reached", NOW))
        assert (done.outcome, done.done_by, done.done_name, done.version) == ("reached", "s-asma", "Asma", 4)
        assert finished(done, ASMA, seen, "reached", NOW) is done
        assert why(finished(done, ASMA, 4, "not_reached", NOW)) == "already_done"
    assert why(finished(ended, ASMA, 1, "reached", NOW)) == "changed"
    assert why(finished(ended, ASMA, None, "reached", NOW)) == "version_missing"
    assert why(finished(ended, ASMA, 3, "told", NOW)) == "not_for_this"
    assert why(finished(ended, BILAL, 3, "reached", NOW)) == "already_done"
    assert why(finished(replace(ended, kind="hour"), ASMA, 3, "reached", NOW)) == "already_done"


@given(
    st.lists(
        st.tuples(
            st.booleans(),
            st.sampled_from([ASMA, BILAL]),
            st.sampled_from(["told", "stays"]),
            st.integers(1, 6),
        )
    )
)
def test_a_task_is_done_once_by_one_human_whatever_is_asked(
    asked: list[tuple[bool, Human, str, int]],
) -> None:
    task, endings = TASK, set()
    for claims, by, outcome, seen in asked:
        after = claimed(task, by, seen, NOW) if claims else finished(task, by, seen, outcome, NOW)
        if isinstance(after, Refused):
            continue
        assert after is task or after.version == task.version + 1
        task = after
        if task.state == "done":
            endings.add((task.done_by, task.outcome))
    assert len(endings) <= 1
