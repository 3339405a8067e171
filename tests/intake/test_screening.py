"""Scores: exact bands, missing is not zero, and the alarm of a single item whatever the total."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain import screening
from services.intake.domain.policy import Policy
from services.intake.domain.screening import Answers

ANSWERS = st.lists(st.sampled_from([0, 1, 2, 3]), min_size=9, max_size=9).map(tuple)
PARTIAL = st.lists(st.sampled_from([0, 1, 2, 3, None]), min_size=9, max_size=9).map(tuple)


def spread(total: int) -> Answers:
    """Nine answers with this total and as little as possible on item 9."""
    return tuple(min(3, max(0, total - 3 * place)) for place in range(9))


@pytest.mark.parametrize(
    ("total", "band"),
    [
        (0, "minimal"),
        (4, "minimal"),
        (5, "mild"),
        (9, "mild"),
        (10, "moderate"),
        (14, "moderate"),
        (15, "moderately_severe"),
        (19, "moderately_severe"),
        (20, "severe"),
        (27, "severe"),
    ],
)
def test_bands_change_exactly_at_the_published_totals(policy: Policy, total: int, band: str) -> None:
    reading = screening.read(policy.instruments["phq9"], spread(total))
    assert (reading.total, reading.band) == (total, band)


@pytest.mark.parametrize(("answer", "level"), [(0, None), (1, "R1"), (2, "R2"), (3, "R2")])
def test_item_nine_alone_raises_its_level_at_a_minimal_total(
    policy: Policy, answer: int, level: str | None
) -> None:
    reading = screening.read(policy.instruments["phq9"], (0, 0, 0, 0, 0, 0, 0, 0, answer))
    assert reading.band == "minimal"
    assert (reading.alarm and reading.alarm.level) == level


@given(answers=PARTIAL)
def test_the_alarm_depends_on_item_nine_and_on_nothing_else(policy: Policy, answers: Answers) -> None:
    alone = (None,) * 8 + (answers[8],)
    phq9 = policy.instruments["phq9"]
    assert screening.read(phq9, answers).alarm == screening.read(phq9, alone).alarm


@given(answers=ANSWERS, missing=st.integers(0, 8))
def test_without_all_answers_there_is_no_total_and_no_band(
    policy: Policy, answers: Answers, missing: int
) -> None:
    partial = (*answers[:missing], None, *answers[missing + 1 :])
    reading = screening.read(policy.instruments["phq9"], partial)
    assert (reading.total, reading.band) == (None, None)
    assert reading.follow_up == ((9,) if missing == 8 else ())


@given(answers=ANSWERS)
def test_a_complete_answer_has_its_sum_and_needs_no_follow_up(policy: Policy, answers: Answers) -> None:
    reading = screening.read(policy.instruments["phq9"], answers)
    assert reading.total == sum(a for a in answers if a is not None)
    assert reading.follow_up == ()


@pytest.mark.parametrize("answers", [(), (0,) * 8, (0,) * 10])
def test_a_wrong_number_of_answers_is_refused_as_a_whole(policy: Policy, answers: Answers) -> None:
    [refusal] = screening.misfits(policy.instruments["phq9"], answers)
    assert (refusal.pointer, refusal.code) == ("/answers/phq9", "wrong_length")


def test_every_answer_out_of_range_is_named(policy: Policy) -> None:
    refusals = screening.misfits(policy.instruments["phq9"], (0, 4, 0, -1, None, 0, 0, 0, 99))
    assert [refusal.pointer for refusal in refusals] == [
        "/answers/phq9/1",
        "/answers/phq9/3",
        "/answers/phq9/8",
    ]
    assert {refusal.code for refusal in refusals} == {"out_of_range"}
