"""Steps: the highest row wins, every reason is kept, an alarm lifts the floor and never lowers it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain import requests, screening, triage
from services.intake.domain.admission import admit
from services.intake.domain.policy import InconsistentPolicyError, Policy, checked
from services.intake.domain.triage import Triage
from services.intake.domain.vocabulary import CHOICES, RedFlag
from tests.intake.people import somebody
from tests.intake.test_screening import ANSWERS, PARTIAL, spread

AREAS = st.lists(st.sampled_from(CHOICES["problem_areas"]), unique=True)


def decide(policy: Policy, areas: list[str], answers: screening.Answers | None) -> Triage:
    readings = [] if answers is None else [screening.read(policy.instruments["phq9"], answers)]
    levels = frozenset(one.alarm.level for one in readings if one.alarm)
    return triage.triage(policy.steps, triage.Told(areas, (), readings, levels))


@pytest.mark.parametrize(
    ("total", "step"), [(0, 1), (4, 1), (5, 1), (9, 1), (10, 2), (14, 2), (15, 3), (19, 3), (20, 3), (24, 3)]
)
def test_the_total_alone_gives_the_step_of_its_row(policy: Policy, total: int, step: int) -> None:
    assert decide(policy, [], spread(total)).step == step


def test_psychosis_goes_above_any_total(policy: Policy) -> None:
    decision = decide(policy, ["psychosis"], spread(0))
    assert (decision.step, decision.reasons) == (4, ("psychosis", "phq9_0_to_4"))


def test_grief_with_a_moderate_total_keeps_both_reasons_and_the_higher_step(policy: Policy) -> None:
    decision = decide(policy, ["grief"], spread(12))
    assert (decision.step, decision.reasons) == (2, ("phq9_10_to_14", "grief_or_relationship"))


def test_who_was_not_screened_does_not_begin_at_the_lightest_step(policy: Policy) -> None:
    assert decide(policy, ["stress"], None) == Triage(2, 0, ("not_screened",), False)


def test_whoever_was_screened_by_what_the_table_names_is_never_taken_for_somebody_who_was_not(
    policy: Policy,
) -> None:
    named = {row.instrument for row in policy.steps.rows if row.instrument}
    assert {"phq9", "gad7", "srq20", "pc_ptsd5"} <= named
    for instrument in named:
        rows = [row for row in policy.steps.rows if row.instrument == instrument]
        totals = sorted(total for row in rows for total in range(row.least, row.most + 1))
        most = max(band.most for band in policy.instruments[instrument].bands)
        assert totals == list(range(most + 1)), instrument
        assert rows[-1].step == 1


def test_answers_that_are_not_complete_count_as_not_screened(policy: Policy) -> None:
    assert decide(policy, [], (0,) * 8 + (None,)).reasons == ("not_screened",)


@pytest.mark.parametrize(("item9", "step", "priority"), [(1, 2, 2), (2, 3, 3), (3, 3, 3)])
def test_an_alarm_lifts_step_and_priority_and_matching_goes_on(
    policy: Policy, item9: int, step: int, priority: int
) -> None:
    decision = decide(policy, [], (0,) * 8 + (item9,))
    assert (decision.step, decision.priority, decision.waits_for_human) == (step, priority, False)
    assert decision.reasons[0].startswith("alarm_r")


def test_the_table_holds_the_most_urgent_level_until_a_human_has_spoken(policy: Policy) -> None:
    alarm = screening.ItemAlarm(9, 3, "R3", "test")
    reading = screening.Reading("phq9", "1", None, None, alarm, ())
    decision = triage.triage(policy.steps, triage.Told(readings=[reading], levels=frozenset({"R3"})))
    assert (decision.step, decision.priority, decision.waits_for_human) == (4, 3, True)
    assert requests.gate(None, decision.waits_for_human) == "waits_for_human"


@given(areas=AREAS, answers=st.one_of(st.none(), PARTIAL))
def test_every_request_has_a_step_and_a_reason(
    policy: Policy, areas: list[str], answers: screening.Answers | None
) -> None:
    decision = decide(policy, areas, answers)
    assert 1 <= decision.step <= 4
    assert 0 <= decision.priority <= 3
    assert decision.reasons


@given(areas=AREAS, more=AREAS, answers=ANSWERS)
def test_naming_more_problems_never_lowers_the_step(
    policy: Policy, areas: list[str], more: list[str], answers: screening.Answers
) -> None:
    assert decide(policy, areas + more, answers).step >= decide(policy, areas, answers).step


def test_a_missing_consent_holds_a_case_and_a_human_goes_before_it() -> None:
    assert requests.gate("guardian", False) == requests.gate("participant", False) == "waits_for_consent"
    assert requests.gate("guardian", True) == "waits_for_human"
    assert requests.gate(None, False) == "open"


def test_a_table_whose_rows_rise_is_refused(policy: Policy) -> None:
    steps = triage.StepTable("x", policy.steps.rows[::-1], policy.steps.otherwise, policy.steps.floors)
    with pytest.raises(InconsistentPolicyError):
        checked(replace(policy, steps=steps))


def test_bands_with_a_gap_are_refused(policy: Policy) -> None:
    phq9 = policy.instruments["phq9"]
    gapped = replace(phq9, bands=phq9.bands[1:])
    with pytest.raises(InconsistentPolicyError):
        checked(replace(policy, instruments={"phq9": gapped}))


def test_every_file_a_clinician_answers_for_says_that_it_is_not_signed_yet(policy: Policy) -> None:
    rules = {"alarm_policy", "choices", "consent", "crisis_lines", "red_flags", "standings", "steps"}
    assert set(policy.unsigned) == rules | {"other_help"} | set(policy.instruments)


@pytest.mark.parametrize(
    ("instrument", "answers", "step", "reason"),
    [
        ("gad7", spread(15, 7), 3, "gad7_15_to_21"),
        ("gad7", spread(14, 7), 2, "gad7_10_to_14"),
        ("gad7", spread(5, 7), 1, "gad7_5_to_9"),
        ("pc_ptsd5", (1, 1, 1, 1, 0, 0), 3, "pc_ptsd5_3_to_5"),
        ("srq20", spread(6, 20, 1), 2, "srq20_6_to_20"),
        ("gad7", spread(4, 7), 1, "gad7_0_to_4"),
        ("pc_ptsd5", (1, 1, 1, 0, 0, 0), 1, "pc_ptsd5_0_to_2"),
        ("srq20", spread(5, 20, 1), 1, "srq20_0_to_5"),
    ],
)
def test_each_instrument_has_its_row(
    policy: Policy, instrument: str, answers: screening.Answers, step: int, reason: str
) -> None:
    reading = screening.read(policy.instruments[instrument], answers)
    decision = triage.triage(policy.steps, triage.Told(readings=[reading]))
    assert (decision.step, decision.reasons) == (step, (reason,))


def test_of_two_instruments_the_graver_row_wins_and_both_are_reasons(policy: Policy) -> None:
    readings = [
        screening.read(policy.instruments["phq9"], spread(6)),
        screening.read(policy.instruments["gad7"], spread(16, 7)),
    ]
    decision = triage.triage(policy.steps, triage.Told(readings=readings))
    assert (decision.step, decision.reasons) == (3, ("gad7_15_to_21", "phq9_5_to_9"))


@pytest.mark.parametrize(("instrument", "most"), [("gad9", 27), ("phq9", 28)])
def test_a_row_that_asks_for_what_no_instrument_gives_is_refused(
    policy: Policy, instrument: str, most: int
) -> None:
    wrong = triage.Row("phq9_20_to_27", 3, 1, instrument=instrument, least=20, most=most)
    rows = tuple(wrong if row.reason == wrong.reason else row for row in policy.steps.rows)
    with pytest.raises(InconsistentPolicyError):
        checked(replace(policy, steps=replace(policy.steps, rows=rows)))


@pytest.mark.parametrize(
    ("flag", "step", "level"),
    [
        ("psychosis", 4, None),
        ("mania", 4, None),
        ("withdrawal", 4, None),
        ("violence", 3, "R2"),
        ("perinatal", 2, None),
    ],
)
def test_a_red_flag_lifts_the_step_and_being_unsafe_raises_an_alarm(
    policy: Policy, flag: RedFlag, step: int, level: str | None
) -> None:
    admission = admit(policy, replace(somebody((0,) * 9), red_flags=(flag,)))
    assert admission.triage.step == step
    assert (admission.alarm and admission.alarm.level) == level
    assert admission.triage.reasons[0] in {f"flag_{flag}", flag, "alarm_r2"}


def test_the_gravest_alarm_is_raised_and_its_rule_is_the_one_that_is_named(policy: Policy) -> None:
    admission = admit(policy, replace(somebody((0,) * 8 + (1,)), red_flags=("violence",)))
    assert admission.alarm is not None
    assert (admission.alarm.level, admission.alarm.rule) == ("R2", "flag_violence")
    assert admission.triage.reasons[:2] == ("alarm_r2", "alarm_r1")
