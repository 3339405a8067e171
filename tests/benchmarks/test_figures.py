"""Figures are of the processes they name, and of warm ones."""

import os
import time
from argparse import Namespace
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import orjson
import pytest

from benchmarks import flat, machine, run, usage
from benchmarks.gates import beside, gates, kept
from benchmarks.run import lines, middle
from benchmarks.usage import Usage

STAT = "7 (a (bad) name) S 1 7 7 0 -1 4194560 100 0 0 0 150 50 25 0 20 0 1 0 100 1000 {pages} 1 1 1 1 0 0"


def a_turn(number: int, rate: float, **cpu: float) -> dict[str, Any]:
    waits = {"seconds": 2.0, "p50_s": 0.5, "p99_s": 1.0}
    return {"turn": number, "kept": True, "journeys": 100, "journeys_per_second": rate, "cpu_ms": cpu} | waits


def test_a_name_may_hold_brackets_and_children_count() -> None:
    assert usage.read(STAT.format(pages=3)) == Usage(225 / usage.TICKS, 3 * usage.PAGE)


def test_a_process_that_works_is_seen_and_one_that_is_gone_is_nothing() -> None:
    before = usage.of([os.getpid()])
    began = time.process_time()
    while time.process_time() - began < 3 / usage.TICKS:
        pass
    assert usage.of([os.getpid()]).cpu > before.cpu
    assert usage.of([os.getpid()]).memory > 1 << 20
    assert usage.of([2**22 + 1]) == Usage()
    assert os.getpid() in usage.family(os.getppid())


def test_only_who_was_there_before_is_compared() -> None:
    assert usage.between({"a": Usage(1.0)}, {"a": Usage(3.0), "b": Usage(9.0)}) == {"a": 2.0}


def test_the_first_turn_is_cold_and_counts_only_where_it_is_alone() -> None:
    cold = a_turn(1, 50.0, kafka=9.0)
    found = middle([cold, a_turn(2, 80.0, kafka=2.0), a_turn(3, 90.0, kafka=4.0)])
    assert found["journeys_per_second"] == pytest.approx(85.0)
    assert found["cpu_ms"] == {"kafka": 3.0}
    assert middle([cold])["journeys_per_second"] == 50.0


def test_a_turn_that_broke_a_promise_says_so() -> None:
    rows = [a_turn(1, 50.0, kafka=9.0), a_turn(2, 80.0, kafka=2.0) | {"kept": False}]
    told = lines("journeys", {"turns": rows, "median": middle(rows)})
    assert [line.endswith("(promises broken)") for line in told[:2]] == [False, True]


def test_a_gate_that_was_not_measured_does_not_hold() -> None:
    assert not any(gate.holds for gate in gates({}))


def test_what_many_cases_cost_is_judged_by_the_most_of_them_and_can_be_kept() -> None:
    sizes = [
        {"cases": cases, "cost_ms": cost} for cases, cost in ((20_000, 5.0), (300_000, 5.5), (1_000_000, 6.0))
    ]
    found = flat.judged(sizes)
    assert orjson.loads(orjson.dumps(found))["ratios"] == {"300000": 1.1, "1000000": 1.2}
    assert found["ratio"] == 1.2


def test_what_was_measured_with_less_than_was_asked_for_does_not_hold() -> None:
    def crowd(therapists: int) -> bool:
        found = gates({"crowd": {"therapists": therapists, "ratio": 1.1}})
        return {gate.name: gate.holds for gate in found}["crowd_ratio"]

    assert (crowd(10_000), crowd(100_000)) == (False, True)


@pytest.mark.parametrize(
    ("seconds", "most", "growing", "hold"),
    [
        (600.5, 1.9, [], ["journeys_per_second", "oldest_event_s", "posts_per_second", "stages_growing"]),
        (600.5, 2.1, ["send"], ["journeys_per_second", "posts_per_second"]),
        (300.5, 1.9, [], ["oldest_event_s", "posts_per_second"]),
        (60.0, 0.1, [], []),
    ],
)
def test_a_rate_is_sustained_only_for_as_long_as_was_asked_and_while_nothing_waits(
    seconds: float, most: float, growing: list[str], hold: list[str]
) -> None:
    ages = {
        "send": {"middle": 0.1, "end": 0.1, "most": most},
        "read matching": {"middle": 0, "end": 0, "most": 0.0},
    }
    steady = {"seconds": seconds, "journeys_per_second": 1600.0, "asked_per_second": 1100.0}
    found = gates({"steady": steady | {"oldest_s": ages, "growing": growing}})
    assert sorted(gate.name for gate in found if gate.holds) == hold


def test_what_was_found_of_each_gate_is_kept_under_its_name() -> None:
    told = orjson.loads(orjson.dumps(kept(gates({"half": {"p99_s": 0.6}}))))
    assert told["p99_half_load_ms"] == {"value": 600.0, "at_most": 500, "holds": False}
    assert told["vs_dbos"] == {"value": None, "at_least": 15, "holds": False}


def test_a_gate_is_judged_by_the_median_of_each_side_and_in_its_own_direction() -> None:
    sides = {
        "ours": [{"journeys_per_second": rate} for rate in (10.0, 400.0, 500.0)],
        "faststream": [{"journeys_per_second": rate} for rate in (100.0, 1.0, 100.0)],
    }
    found = {
        gate.name: gate
        for gate in gates({"sides": sides, "half": {"p99_s": 0.6}, "alarms": {"alarm_p99_ms": 90.0}})
    }
    assert (found["vs_faststream"].value, found["vs_faststream"].holds) == (4.0, True)
    assert (found["p99_half_load_ms"].holds, found["alarm_p99_ms"].holds) == (False, True)
    assert found["vs_dbos"].value is None


def test_what_cannot_be_had_everywhere_is_measured_beside_the_gates() -> None:
    sides = {"ours": [{"journeys_per_second": 300.0}], "temporal": [{"journeys_per_second": 12.0}]}
    assert beside(sides) == {"vs_temporal": 25.0}
    assert beside({"ours": sides["ours"]}) == {}
    assert "vs_temporal" not in {gate.name for gate in gates({"sides": sides})}


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which of three parts were measured; the second is interrupted as long as `broken` is among them."""
    seen: list[str] = []

    def part(name: str) -> Callable[[run.Options], Coroutine[Any, Any, run.Found]]:
        async def measure(_: run.Options) -> run.Found:
            if name == "two" and "broken" in seen:
                raise KeyboardInterrupt
            seen.append(name)
            return {"figure": len(seen)}

        return measure

    monkeypatch.setattr(run, "PARTS", {name: part(name) for name in ("one", "two", "three")})
    monkeypatch.setattr(run, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(run, "MEASURED", tmp_path / "measured.json")
    monkeypatch.setattr(machine, "describe", dict)
    return seen


def test_a_call_for_all_goes_on_with_what_an_interrupted_one_has_left(parts: list[str]) -> None:
    run.write(run.RESULTS, {"two": {"figure": 7}})
    parts.append("broken")
    with pytest.raises(KeyboardInterrupt):
        run.measure_all(Namespace(seconds=300.0))
    assert run.read(run.RESULTS)["two"] == {"figure": 7}
    parts.remove("broken")
    run.measure_all(Namespace(seconds=300.0))
    assert parts == ["one", "two", "three"]
    run.measure_all(Namespace(seconds=300.0))
    assert parts == ["one", "two", "three"] * 2


def test_a_call_that_is_told_something_else_begins_anew(parts: list[str]) -> None:
    parts.append("broken")
    with pytest.raises(KeyboardInterrupt):
        run.measure_all(Namespace(seconds=300.0))
    parts.remove("broken")
    run.measure_all(Namespace(seconds=600.0))
    assert parts == ["one", "one", "two", "three"]
