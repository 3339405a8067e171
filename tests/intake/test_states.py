"""States: whatever the order in which the topics are read, the case stands the same."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.states import (
    CaseRecord,
    Fact,
    FactKind,
    Standing,
    Telling,
    furthest,
    latest,
    standing,
)

CASE = UUID(int=1)
HOUR = UUID(int=2)
T0 = datetime(2026, 11, 23, 9, tzinfo=UTC)
RECORD = CaseRecord(CASE, "open", T0, None, None)


def fact(kind: FactKind, attempt: int, revision: int = 0, minute: int = 0, reason: str | None = None) -> Fact:
    at = T0 + timedelta(minutes=minute)
    return Fact(CASE, kind, attempt, revision, at, None, reason, HOUR if "appointment" in kind else None)


# A long story: no hour, waitlisted, then booked, moved, lost its therapist, booked anew.
STORY = [
    fact("match_made", 1, 0, 1),
    fact("case_waitlisted", 1, 0, 2, "no_hour"),
    fact("match_made", 2, 0, 3),
    fact("appointment_booked", 2, 1, 4),
    fact("appointment_booked", 2, 2, 5),
    fact("match_withdrawn", 2, 0, 6),
    fact("appointment_cancelled", 2, 3, 7, "cancelled_by_system"),
    fact("match_made", 3, 0, 8),
    fact("appointment_booked", 3, 1, 9),
]


@given(st.permutations(STORY), st.lists(st.sampled_from(STORY)), st.integers(0, 9))
def test_the_state_does_not_depend_on_the_order_or_on_repeats(
    story: list[Fact], repeats: list[Fact], cut: int
) -> None:
    in_two_batches = latest([latest(story[: cut + 1]), *story[cut:], *repeats])
    assert in_two_batches == STORY[-1]


@given(st.data())
def test_after_each_step_of_the_story_the_case_stands_as_told(data: st.DataObject) -> None:
    length = data.draw(st.integers(1, len(STORY)))
    known = data.draw(st.permutations(STORY[:length]))
    states = [
        "matching",
        "waitlisted",
        "matching",
        "booked",
        "booked",
        "matching",
        "matching",
        "matching",
        "booked",
    ]
    assert standing(RECORD, latest(list(known)), None).state == states[length - 1]


def test_a_new_case_waits_for_the_system() -> None:
    assert standing(RECORD, None, None) == Standing("matching", "system", T0, None, None, "wait")


def test_a_withdrawn_case_stays_closed_whatever_comes_later() -> None:
    closed = CaseRecord(CASE, "open", T0, T0, "changed_mind")
    for said in STORY:
        assert standing(closed, said, None).state == "closed"


def test_a_minor_is_held_for_the_guardian_even_if_waitlisted() -> None:
    minor = CaseRecord(CASE, "waits_for_consent", T0, None, None)
    for said in (None, fact("case_waitlisted", 1, 0, 1, "held")):
        found = standing(minor, said, None)
        assert (found.state, found.waiting_on, found.next_step) == ("held", "guardian", "ask_guardian")


def test_an_hour_the_person_gave_back_waits_for_the_person() -> None:
    found = standing(RECORD, fact("appointment_cancelled", 1, 2, 3, "cancelled_by_person"), None)
    assert (found.state, found.waiting_on) == ("paused", "person")


def test_waiting_says_for_what_and_when_it_is_looked_at_again() -> None:
    review = T0 + timedelta(days=7)
    said = Fact(CASE, "case_waitlisted", 1, 0, T0, review, "no_language")
    assert standing(RECORD, said, None) == Standing(
        "waitlisted", "capacity", T0, review, "no_language", "wait"
    )


TELLINGS = [Telling(HOUR, CASE, version, told) for version in (1, 2) for told in (False, True)]


@given(st.permutations(TELLINGS))
def test_told_once_is_told_and_a_newer_version_has_to_be_told_again(tellings: list[Telling]) -> None:
    assert furthest(tellings) == Telling(HOUR, CASE, 2, True)
    booked = fact("appointment_booked", 1, 2)
    assert standing(RECORD, booked, Telling(HOUR, CASE, 1, True)).next_step == "look_up_the_hour"
    assert standing(RECORD, booked, furthest(tellings)).next_step == "attend"
