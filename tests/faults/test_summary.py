"""What a run comes to: only faults that hit work count, the last line says what was found, and anything broken fails it."""

from pathlib import Path

import pytest

from tests.faults.journal import Done, Journal
from tests.faults.schedule import Fault
from tests.faults.summary import Mutants, Total, by_kind, in_time

KILL = Fault(0, "kill", "matching", 0.0, 1.0, beside=False)
HOLD = Fault(1, "hold", "kafka/both/*", 13.0, 1.0, beside=False)
BUSY, IDLE = {"transactions": 1, "outbox": 0, "sending": 0}, {"transactions": 0, "outbox": 0, "sending": 0}


def total(**changes: object) -> Total:
    done = [Done(KILL, BUSY, 1, 2.0), Done(HOLD, BUSY, 0, 4.0), Done(KILL, IDLE, 1, 1.0)]
    parts: dict[str, object] = {
        "events": 1000,
        "types": 12,
        "done": done,
        "checks": {"lost": 0},
        "broken": [],
    }
    return Total(**(parts | {"mutants": Mutants(8, 8)} | changes))  # type: ignore[arg-type]


def test_the_last_line_counts_what_hit_work() -> None:
    assert total().last_line() == (
        "1000 events, 2 faults, 1 kills: 0 lost, 0 duplicated, 0 reordered, 0 double-booked; mutants 8/8 caught"
    )
    assert total().kept


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ("lost", "3 lost"),
        ("not_read", "3 lost"),
        ("told_twice", "3 duplicated"),
        ("reordered", "3 reordered"),
        ("reservations_overlap", "3 double-booked"),
    ],
)
def test_what_a_check_finds_is_said_and_fails_the_run(check: str, said: str) -> None:
    found = total(checks={check: 3})
    assert said in found.last_line()
    assert not found.kept


def test_what_is_in_no_sum_fails_the_run_all_the_same() -> None:
    assert not total(checks={"partner_differs": 1}).kept
    assert not total(broken=["round 1: dead_letters: 2"]).kept
    assert not total(mutants=Mutants(7, 8)).kept


def test_a_fault_that_could_not_be_done_does_not_count() -> None:
    assert not Done(KILL, BUSY, 0, None, "TimeoutError: ").counts


def test_a_kill_is_over_sooner_than_anything_else() -> None:
    assert in_time(Done(HOLD, BUSY, 0, 9.9))
    assert not in_time(Done(KILL, BUSY, 1, 9.9))
    assert not in_time(Done(KILL, BUSY, 1, None))
    assert [*by_kind(total().done)] == ["kill", "hold"]


def test_a_journal_is_gone_on_with_after_a_kill_in_the_middle_of_a_line(tmp_path: Path) -> None:
    file = tmp_path / "run" / "journal.jsonl"
    first = Journal.open(file, seed=7)
    assert first.begin_round(0) == 0
    first.note(Done(KILL, BUSY, 1, 2.0))
    first.end_round({"number": 0, "broken": []})
    first.note(Done(HOLD, IDLE, 0, None, "TimeoutError: "))
    with file.open("ab") as torn:
        torn.write(b'{"what": "fau')
    second = Journal.open(file, seed=7)
    assert (second.done, second.rounds, second.began) == (first.done, first.rounds, first.began)
    assert second.next_fault == 2
    assert second.begin_round(1) == 1
    second.note(Done(HOLD, BUSY, 0, 1.0))
    assert Journal.open(file, seed=7).done == second.done


def test_a_journal_of_another_seed_is_refused(tmp_path: Path) -> None:
    Journal.open(tmp_path / "journal.jsonl", seed=7)
    with pytest.raises(ValueError, match="of seed 7"):
        Journal.open(tmp_path / "journal.jsonl", seed=8)
