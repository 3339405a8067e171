"""Scores: exact bands, missing is not zero, and the alarm of a single item whatever the total."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain import screening
from services.intake.domain.policy import Policy
from services.intake.domain.screening import Answers
from services.intake.domain.vocabulary import Gender
from services.intake.settings.data_files import DATA

ANSWERS = st.lists(st.sampled_from([0, 1, 2, 3]), min_size=9, max_size=9).map(tuple)
PARTIAL = st.lists(st.sampled_from([0, 1, 2, 3, None]), min_size=9, max_size=9).map(tuple)


def spread(total: int, items: int = 9, most: int = 3) -> Answers:
    """Answers with this total and as little as possible on the last items."""
    return tuple(min(most, max(0, total - most * place)) for place in range(items))


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


@pytest.mark.parametrize(
    ("instrument", "answers", "total", "band"),
    [
        ("phq2", spread(1, 2), 1, "below_cut_off"),
        ("phq2", spread(2, 2), 2, "at_cut_off"),
        ("gad7", spread(4, 7), 4, "minimal"),
        ("gad7", spread(5, 7), 5, "mild"),
        ("gad7", spread(9, 7), 9, "mild"),
        ("gad7", spread(10, 7), 10, "moderate"),
        ("gad7", spread(14, 7), 14, "moderate"),
        ("gad7", spread(15, 7), 15, "severe"),
        ("gad7", spread(21, 7), 21, "severe"),
        ("gad2", spread(2, 2), 2, "below_cut_off"),
        ("gad2", spread(3, 2), 3, "at_cut_off"),
        ("srq20", spread(5, 20, 1), 5, "below_cut_off"),
        ("srq20", spread(6, 20, 1), 6, "at_cut_off"),
        ("srq20", spread(20, 20, 1), 20, "at_cut_off"),
        ("who5", spread(0, 5, 5), 0, "low_well_being"),
        ("who5", spread(12, 5, 5), 48, "low_well_being"),
        ("who5", spread(13, 5, 5), 52, "above_cut_off"),
        ("who5", spread(25, 5, 5), 100, "above_cut_off"),
        ("pc_ptsd5", (1, 1, 1, 0, 0, 0), 2, "below_cut_off"),
        ("pc_ptsd5", (1, 1, 1, 1, 0, 0), 3, "at_sensitive_cut_off"),
        ("pc_ptsd5", (1, 1, 1, 1, 1, 1), 5, "at_efficient_cut_off"),
        ("audit_c", spread(12, 3, 4), 12, "at_cut_off"),
    ],
)
def test_every_instrument_changes_band_exactly_at_its_cut_off(
    policy: Policy, instrument: str, answers: Answers, total: int, band: str
) -> None:
    reading = screening.read(policy.instruments[instrument], answers)
    assert (reading.total, reading.band) == (total, band)


@pytest.mark.parametrize("later", [(0,) * 5, (1,) * 5, (None,) * 5, (1, None, 0, 1, 1)])
def test_no_to_the_gate_ends_the_screen_with_nothing_whatever_comes_later(
    policy: Policy, later: Answers
) -> None:
    reading = screening.read(policy.instruments["pc_ptsd5"], (0, *later))
    assert (reading.total, reading.band) == (0, "below_cut_off")


@pytest.mark.parametrize("answers", [(None, 1, 1, 1, 1, 1), (1, 1, 1, 1, 1, None)])
def test_a_gate_or_an_answer_behind_it_that_is_missing_leaves_no_total(
    policy: Policy, answers: Answers
) -> None:
    assert screening.read(policy.instruments["pc_ptsd5"], answers).total is None


@pytest.mark.parametrize(
    ("total", "gender", "band"),
    [
        (3, "woman", "at_cut_off"),
        (3, "man", "below_cut_off"),
        (4, "man", "at_cut_off"),
        (2, "woman", "below_cut_off"),
        (3, "other", "at_cut_off"),
        (3, None, "at_cut_off"),
    ],
)
def test_three_points_of_alcohol_are_much_for_a_woman_and_not_for_a_man(
    policy: Policy, total: int, gender: Gender | None, band: str
) -> None:
    assert screening.read(policy.instruments["audit_c"], spread(total, 3, 4), gender).band == band


def test_the_item_about_ending_ones_life_alarms_at_the_lowest_total_and_alone(policy: Policy) -> None:
    srq20 = policy.instruments["srq20"]
    reading = screening.read(srq20, tuple(int(item == 17) for item in range(1, 21)))
    assert (reading.total, reading.band) == (1, "below_cut_off")
    assert reading.alarm is not None
    assert (reading.alarm.level, reading.alarm.rule) == ("R2", "srq20_item17")
    everything_else = screening.read(srq20, tuple(int(item != 17) for item in range(1, 21)))
    assert (everything_else.total, everything_else.alarm) == (19, None)


@pytest.mark.parametrize("path", sorted((DATA / "instruments").glob("*.yaml")), ids=lambda path: path.stem)
def test_cut_offs_name_their_source_and_no_unconfirmed_text_is_bundled(path: Path) -> None:
    file = yaml.safe_load(path.read_text("utf-8"))
    assert file["id"] == path.stem
    assert ("bands_source" in file and file["bands_verified_on"]) or file["bands_basis"] == "design"
    assert not file["alarms"] or file["alarms_basis"]
    assert file["text_status"] == "not_bundled"
    assert file["licence"]
