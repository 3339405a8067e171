"""Alarms as decided: raised freely, lowered for a reason, overdue when nobody was on them in time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.alarms import (
    AlarmPolicy,
    AlarmStanding,
    Staff,
    acknowledge,
    attempt,
    change_level,
    close,
    is_overdue,
)
from services.intake.domain.policy import InconsistentPolicyError, Policy, checked
from services.intake.domain.vocabulary import Level

NOW = datetime(2027, 1, 5, 8, 0, tzinfo=UTC)
POLICY = AlarmPolicy(
    "test",
    {"R1": timedelta(hours=24), "R2": timedelta(hours=4), "R3": timedelta(minutes=30)},
    dict.fromkeys(("R1", "R2", "R3"), timedelta(minutes=10)),
    "R3",
)
ASMA, BILAL = Staff("s-1", "Asma"), Staff("s-2", "Bilal")
LEVELS = get_args(Level)


def an_alarm(level: Level = "R2") -> AlarmStanding:
    return AlarmStanding(uuid4(), uuid4(), "open", level, POLICY.due_by(level, NOW), None, None)


def test_a_raise_needs_no_reason_and_brings_the_moment_forward() -> None:
    verdict, alarm = change_level(an_alarm("R1"), "R3", None, POLICY, NOW)
    assert (verdict, alarm.level, alarm.due_by) == ("done", "R3", NOW + timedelta(minutes=30))


def test_a_raise_that_comes_late_gives_no_more_time() -> None:
    alarm = an_alarm("R2")
    verdict, after = change_level(alarm, "R3", None, POLICY, NOW + timedelta(hours=3, minutes=50))
    assert (verdict, after.due_by) == ("done", alarm.due_by)


@pytest.mark.parametrize("reason", [None, "", "  \n"])
def test_nothing_is_lowered_without_a_reason(reason: str | None) -> None:
    alarm = an_alarm("R3")
    assert change_level(alarm, "R1", reason, POLICY, NOW) == ("reason_needed", alarm)


def test_a_lower_level_has_its_own_time_from_now() -> None:
    later = NOW + timedelta(hours=1)
    verdict, alarm = change_level(an_alarm("R3"), "R2", "Is with her family.", POLICY, later)
    assert (verdict, alarm.due_by) == ("done", later + timedelta(hours=4))


def test_a_closed_alarm_is_neither_tried_nor_judged() -> None:
    _, taken = acknowledge(an_alarm(), ASMA)
    _, closed = close(taken, ASMA)
    assert attempt(closed) == "closed_already"
    assert change_level(closed, "R3", "any", POLICY, NOW) == ("closed_already", closed)


def test_whoever_helps_may_try_an_alarm_that_somebody_else_has() -> None:
    _, taken = acknowledge(an_alarm(), ASMA)
    assert attempt(taken) == attempt(an_alarm()) == "done"


def test_an_alarm_is_overdue_only_while_nobody_has_it() -> None:
    late = NOW + timedelta(hours=4)
    assert not is_overdue("open", late, late)
    assert is_overdue("open", late, late + timedelta(seconds=1))
    assert not is_overdue("acknowledged", late, late + timedelta(days=1))
    assert not is_overdue("closed", late, late + timedelta(days=1))


steps = st.lists(
    st.tuples(
        st.sampled_from(LEVELS),
        st.one_of(st.none(), st.text(max_size=4)),
        st.integers(0, 3000),
        st.sampled_from(["level", "level", "level", "acknowledge", "close"]),
        st.sampled_from([ASMA, BILAL]),
    ),
    max_size=12,
)


@given(st.sampled_from(LEVELS), steps)
def test_whatever_is_done_a_level_falls_only_for_a_reason_and_a_raise_never_gives_time(
    level: Level, done: list[tuple[Level, str | None, int, str, Staff]]
) -> None:
    alarm, now = an_alarm(level), NOW
    for wanted, reason, minutes, act, staff in done:
        now += timedelta(minutes=minutes)
        before = alarm
        if act == "level":
            _, alarm = change_level(before, wanted, reason, POLICY, now)
        else:
            _, alarm = (acknowledge if act == "acknowledge" else close)(before, staff)
        if alarm.level < before.level:
            assert reason
            assert reason.strip()
        if alarm.level > before.level:
            assert alarm.due_by <= before.due_by
        if before.state == "closed":
            assert alarm == before
        if act == "level":
            assert (alarm.state, alarm.acknowledged_by) == (before.state, before.acknowledged_by)


@pytest.mark.parametrize(
    "within", [{"R1": 24.0, "R2": 4.0}, {"R1": 24.0, "R2": 4.0, "R3": 5.0}, {"R1": 1.0, "R2": 4.0, "R3": 0.5}]
)
def test_a_policy_in_which_the_graver_waits_longer_stops_the_start(
    policy: Policy, within: dict[Level, float]
) -> None:
    hours = {level: timedelta(hours=number) for level, number in within.items()}
    with pytest.raises(InconsistentPolicyError, match="alarm policy"):
        checked(replace(policy, alarms=replace(policy.alarms, within=hours)))
