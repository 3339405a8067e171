"""Who goes first: need, raised by the wait, then age; nobody waits for ever behind those who came later."""

import itertools
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.domain.requests import Request
from services.matching.domain.waiting import Ageing, UnfairWaitingError, Waiting
from services.matching.settings import read_policy, read_waiting
from tests.matching.examples import NOW, POLICY, decided, first, request, therapist

AGEINGS = st.builds(Ageing, st.timedeltas(timedelta(hours=1), timedelta(days=60)), st.integers(0, 1))
WAITS = st.timedeltas(timedelta(0), timedelta(days=400))
NEEDS = st.integers(0, 3)


def asked(number: int, priority: int, waited: timedelta, ageing: Ageing) -> Request:
    raised = ageing.raised(priority, waited)
    return request(number, priority=priority, submitted_at=NOW - waited, raised=raised)


@given(AGEINGS, st.lists(st.tuples(NEEDS, WAITS), max_size=30))
def test_the_order_is_total_and_puts_the_older_of_equals_first(
    ageing: Ageing, cases: list[tuple[int, timedelta]]
) -> None:
    requests = [asked(number, need, waited, ageing) for number, (need, waited) in enumerate(cases)]
    order = sorted(requests, key=lambda one: one.urgency)
    assert len({one.urgency for one in requests}) == len(requests)
    for earlier, later in itertools.pairwise(order):
        if earlier.priority == later.priority:
            assert earlier.submitted_at <= later.submitted_at


@given(AGEINGS, NEEDS, NEEDS, WAITS, WAITS)
def test_nobody_waits_for_ever_behind_those_who_come_later(
    ageing: Ageing, need: int, other: int, waited: timedelta, later: timedelta
) -> None:
    """Whatever its need, a case that has waited long enough goes before everybody who may be raised as high."""
    long = ageing.step * (ageing.highest + 1) + waited
    mine = asked(1, need, long, ageing)
    newer = asked(2, min(other, max(ageing.highest, need)), min(later, long - timedelta(hours=1)), ageing)
    assert mine.urgency < newer.urgency


@given(AGEINGS, st.integers(0, 1), st.integers(2, 3), WAITS)
def test_no_wait_lifts_anybody_above_an_alarm(
    ageing: Ageing, need: int, alarm: int, waited: timedelta
) -> None:
    assert asked(1, alarm, timedelta(0), ageing).urgency < asked(2, need, waited, ageing).urgency


@given(AGEINGS, NEEDS, WAITS, WAITS)
def test_a_longer_wait_never_lowers(ageing: Ageing, need: int, short: timedelta, more: timedelta) -> None:
    assert 0 <= ageing.raised(need, short) <= ageing.raised(need, short + more)
    assert need + ageing.raised(need, short) <= max(need, ageing.highest)


def test_a_clock_that_goes_back_raises_nobody() -> None:
    assert Ageing(timedelta(days=14), 1).raised(0, timedelta(days=-20)) == 0


def test_the_last_free_hour_goes_to_whoever_has_waited_long_before_newer_need() -> None:
    only = [therapist(1, weekly_limit=1)]
    ageing = POLICY.waiting.ageing
    newer = [asked(number, 1, timedelta(hours=1), ageing) for number in range(2, 6)]
    old = asked(1, 0, timedelta(days=15), ageing)
    told = {one.request.case_id: one for one in decided([*newer, old], only)}
    assert first(told[old.case_id]) == 1
    young = asked(9, 0, timedelta(days=13), ageing)
    assert {one.request.case_id: one for one in decided([*newer, young], only)}[young.case_id].outcome == (
        "no_capacity"
    )


def test_a_policy_under_which_a_wait_beats_an_alarm_does_not_start() -> None:
    waiting: Waiting = POLICY.waiting
    with pytest.raises(UnfairWaitingError):
        waiting.checked({"R1": 1, "R2": 3})
    assert read_policy()[0].waiting == read_waiting()


def test_the_time_to_choose_is_shorter_the_greater_the_need() -> None:
    hours = [read_waiting().time_to_choose(priority) for priority in range(4)]
    assert hours == sorted(hours, reverse=True)
    assert read_waiting().time_to_choose(99) == hours[-1]
