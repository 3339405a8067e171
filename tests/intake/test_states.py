"""States: whatever the order in which the topics are read, the case stands the same."""

import inspect
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain import states
from services.intake.domain.states import (
    Fact,
    FactKind,
    Progress,
    Standing,
    Telling,
    advance,
    standing,
)
from services.intake.domain.told import TOLD
from services.intake.domain.vocabulary import Gate, Pause

CASE, PERSON, HOUR, LATER_HOUR, THIRD_HOUR = UUID(int=1), UUID(int=4), UUID(int=2), UUID(int=3), UUID(int=5)
T0 = datetime(2026, 11, 23, 9, tzinfo=UTC)


def fresh(gate: Gate = "open") -> Progress:
    return Progress(CASE, PERSON, gate, T0, None)


def fact(kind: FactKind, attempt: int, revision: int = 0, minute: int = 0, hour: UUID | None = None) -> Fact:
    at = T0 + timedelta(minutes=minute)
    return Fact(CASE, kind, attempt, revision, at, None, None, hour)


# A long story: no hour, waitlisted, then booked, moved, lost its therapist, booked anew; and what it was then.
STORY = [
    (fact("match_made", 1, 0, 1), "matching"),
    (fact("case_waitlisted", 1, 0, 2), "waitlisted"),
    (fact("match_made", 2, 0, 3), "matching"),
    (fact("appointment_booked", 2, 1, 4, HOUR), "booked"),
    (fact("appointment_booked", 2, 2, 5, HOUR), "booked"),
    (fact("match_withdrawn", 2, 0, 6), "matching"),
    (fact("appointment_cancelled", 2, 3, 7, HOUR), "matching"),
    (fact("match_made", 3, 0, 8), "matching"),
    (fact("appointment_booked", 3, 1, 9, LATER_HOUR), "booked"),
    (fact("appointment_arrived", 3, 2, 10, LATER_HOUR), "booked"),
    (fact("appointment_fulfilled", 3, 3, 11, LATER_HOUR), "in_care"),
    (fact("appointment_booked", 4, 1, 12, THIRD_HOUR), "booked"),
    (fact("appointment_no_show", 4, 2, 13, THIRD_HOUR), "in_care"),
]
TELLINGS = [
    Telling(hour, CASE, version, told)
    for hour in (HOUR, LATER_HOUR)
    for version in (1, 2)
    for told in (False, True)
]


def folded(said: list[Fact | Telling], batch: int) -> Progress:
    progress = fresh()
    for start in range(0, len(said), batch):
        part = said[start : start + batch]
        facts = [one for one in part if isinstance(one, Fact)]
        progress = advance(progress, facts, [one for one in part if isinstance(one, Telling)])
    return progress


@given(st.data(), st.integers(1, 8), st.integers(1, 8))
def test_the_case_stands_the_same_in_whatever_order_and_batches_the_topics_are_read(
    data: st.DataObject, batch: int, other_batch: int
) -> None:
    said: list[Fact | Telling] = [*(one for one, _ in STORY), *TELLINGS]
    told = data.draw(st.lists(st.sampled_from(said), unique=True))
    order = data.draw(st.permutations(told))
    again = data.draw(st.lists(st.sampled_from(told or said), max_size=3)) if told else []
    first, second = folded(told, batch), folded([*order, *again], other_batch)
    assert replace(first, version=0) == replace(second, version=0)


@given(st.data())
def test_after_each_part_of_the_story_the_case_stands_as_it_should(data: st.DataObject) -> None:
    length = data.draw(st.integers(1, len(STORY)))
    known = data.draw(st.permutations([one for one, _ in STORY[:length]]))
    assert standing(folded(list(known), 3)).state == STORY[length - 1][1]


@given(st.permutations([one for one, _ in STORY]))
def test_the_version_rises_with_every_visible_change_and_with_nothing_else(story: list[Fact]) -> None:
    progress = fresh()
    for said in story:
        after = advance(progress, [said], [])
        assert after.version - progress.version == (standing(after) != standing(progress))
        assert advance(after, [said], []) == after
        progress = after


def test_a_new_case_waits_for_the_system() -> None:
    assert standing(fresh()) == Standing("matching", "system", T0, None, None, "wait")


def test_a_withdrawn_case_stays_closed_whatever_comes_later() -> None:
    progress = replace(fresh(), ended_at=T0)
    for said, _ in STORY:
        progress = advance(progress, [said], TELLINGS)
        assert standing(progress).state == "closed"
    assert progress.version == 1


def test_a_minor_is_held_for_the_guardian_even_if_waitlisted() -> None:
    minor = fresh("waits_for_consent")
    for facts in ([], [fact("case_waitlisted", 1, 0, 1)]):
        found = standing(advance(minor, facts, []))
        assert (found.state, found.waiting_on, found.next_step) == ("held", "guardian", "ask_guardian")


def test_whom_a_human_has_to_see_first_is_held_for_a_clinician() -> None:
    assert standing(fresh("waits_for_human")).waiting_on == "clinician"


def test_after_a_cancelled_hour_nobody_is_told_to_wait_for_a_search_that_is_not_made() -> None:
    found = standing(advance(fresh(), [fact("appointment_cancelled", 1, 2, 3, HOUR)], []))
    assert (found.state, found.waiting_on, found.reason) == ("paused", "person", "appointment_cancelled")
    again = standing(advance(fresh(), [fact("match_made", 2)], []))
    assert (again.state, again.waiting_on) == ("matching", "system")


def test_who_missed_the_first_hour_may_ask_again_and_is_not_told_off() -> None:
    found = standing(advance(fresh(), [fact("appointment_no_show", 1, 2, 3, HOUR)], []))
    expected = Standing(
        "paused", "person", T0 + timedelta(minutes=3), None, "appointment_missed", "let_us_go_on"
    )
    assert found == expected


def test_care_that_has_begun_goes_on_whatever_becomes_of_a_later_hour() -> None:
    begun = advance(fresh("waits_for_human"), [fact("appointment_fulfilled", 1, 3, 3, HOUR)], [])
    assert standing(begun) == Standing("in_care", "nobody", T0 + timedelta(minutes=3), None, None, "wait")
    for ending, reason in (
        (fact("appointment_cancelled", 2, 2, 9, LATER_HOUR), "appointment_cancelled"),
        (fact("appointment_no_show", 2, 2, 9, LATER_HOUR), "appointment_missed"),
        (fact("match_withdrawn", 1, 0, 9), None),
    ):
        found = standing(advance(begun, [ending], []))
        assert (found.state, found.waiting_on, found.reason) == ("in_care", "nobody", reason)


def test_who_has_arrived_has_nothing_to_look_up() -> None:
    found = standing(advance(fresh(), [fact("appointment_arrived", 1, 2, 3, HOUR)], []))
    assert (found.state, found.next_step) == ("booked", "attend")


def test_waiting_says_for_what_and_when_it_is_looked_at_again() -> None:
    review = T0 + timedelta(days=7)
    said = Fact(CASE, "case_waitlisted", 1, 0, T0, review, "no_language")
    expected = Standing("waitlisted", "capacity", T0, review, "no_language", "wait")
    assert standing(advance(fresh(), [said], [])) == expected


def test_told_once_is_told_and_a_moved_hour_has_to_be_told_again() -> None:
    booked = advance(fresh(), [fact("appointment_booked", 1, 1, 1, HOUR)], [])
    assert standing(booked).next_step == "look_up_the_hour"
    told = advance(booked, [], [Telling(HOUR, CASE, 1, True), Telling(HOUR, CASE, 1, False)])
    assert standing(told).next_step == "attend"
    moved = advance(told, [fact("appointment_booked", 1, 2, 2, HOUR)], [])
    assert standing(moved).next_step == "look_up_the_hour"
    other = advance(moved, [], [Telling(LATER_HOUR, CASE, 2, True)])
    assert standing(other).next_step == "look_up_the_hour"


def test_every_state_reason_and_next_step_has_a_title_for_people() -> None:
    """What `standing` can say is told with words by /v1/reference; what matching says comes from its own list."""
    source = inspect.getsource(states)
    said = {
        "states": set(re.findall(r'Standing\(\s*"(\w+)"', source)),
        "reasons": {"consent_needed", "conversation_first", "withdrawn", *get_args(Pause)},
        "next_steps": set(re.findall(r'"((?:wait|ask|expect|attend|look|choose|try)(?:_\w+)?)"', source)),
    }
    assert len(said["next_steps"]) >= 7
    for group, codes in said.items():
        assert codes <= set(TOLD[group]), group
