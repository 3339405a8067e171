"""Turns: so many at once, more as time goes on, each client by itself, and never more memory than there are clients."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.web import Problem, rates
from shared.web.rates import Rates


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def admitted(counted: Rates, client: str = "a") -> int | None:
    """None where it may go on, else after how many seconds it may ask again."""
    try:
        counted.admit(client)
    except Problem as problem:
        return int(problem.headers["retry-after"])
    return None


def test_it_is_said_as_a_problem_with_the_time_to_wait() -> None:
    counted = Rates(1, 1, clock=Clock())
    counted.admit("a")
    with pytest.raises(Problem) as refused:
        counted.admit("a")
    assert (refused.value.status, refused.value.code) == (429, "too_many_requests")
    assert refused.value.headers["retry-after"] == "1"


def test_a_burst_is_served_and_then_one_at_a_time() -> None:
    clock = Clock()
    counted = Rates(3, 0.5, clock=clock)
    assert [admitted(counted) for _ in range(5)] == [None, None, None, 2, 2]
    assert admitted(counted, "b") is None
    clock.now = 1.0
    assert admitted(counted) == 1
    clock.now = 2.0
    assert [admitted(counted) for _ in range(2)] == [None, 2]
    clock.now = 1000.0
    assert [admitted(counted) for _ in range(4)] == [None, None, None, 2]


@given(st.integers(1, 20), st.floats(0.1, 50), st.lists(st.floats(0, 3, allow_nan=False), max_size=60))
def test_nobody_gets_more_than_a_burst_and_what_time_brings_and_who_waits_as_told_is_served(
    burst: int, per_second: float, pauses: list[float]
) -> None:
    clock = Clock()
    counted, served = Rates(burst, per_second, clock=clock), 0
    for pause in pauses:
        clock.now += pause
        seconds = admitted(counted)
        if seconds is not None:
            assert seconds >= 1
            clock.now += seconds
            assert admitted(counted) is None
        served += 1
    assert served <= burst + math.ceil(clock.now * per_second) + 1


def test_clients_that_rest_are_forgotten_before_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MOST_CLIENTS", 3)
    clock = Clock()
    counted = Rates(1, 1, clock=clock)
    for client in "abc":
        admitted(counted, client)
    clock.now = 0.5
    admitted(counted, "c2")
    assert admitted(counted, "a") == 1  # nobody who still waits is forgotten
    clock.now = 1.6
    admitted(counted, "d")
    assert set(counted._left) == {"d"}
