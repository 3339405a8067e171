"""Most of a large country comes in files: the same people each time, and one office that has to send its file twice."""

from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

import orjson
import pytest

from simulation.demo import usual_share
from simulation.handing_over import CSV, LINES_PER_FILE, NDJSON, by_bulk, files
from simulation.history import judge
from simulation.history.facts import History
from simulation.population import BROKEN_AT_FIRST, Person, people
from tests.simulation.right_history import right


@cache
def everybody() -> list[Person]:
    return list(people(6, 1200, datetime(2026, 1, 5, 14, 30, tzinfo=ZoneInfo("Asia/Karachi"))))


@pytest.mark.parametrize(("share", "handed"), [(0.0, 0), (0.5, 600), (0.9, 1080), (1.0, 1200)])
def test_a_share_is_handed_over_and_everybody_comes_once(share: float, handed: int) -> None:
    in_files, alone = by_bulk(everybody(), share)
    assert len(in_files) == handed
    assert sorted(p.number for p in in_files + alone) == list(range(1200))


def test_a_small_country_asks_alone_and_a_large_one_mostly_in_files() -> None:
    assert [usual_share(number) for number in (200, 2000, 4999, 5000, 50_000)] == [0.0, 0.0, 0.0, 0.9, 0.9]


def test_files_hold_everybody_under_the_keys_of_their_posts_and_who_asks_twice_twice() -> None:
    made = list(files(everybody(), "run"))
    entries = [entry for file in made for entry in file.entries]
    assert sorted(entry.person for entry in entries) == [
        p.number for p in everybody() for _ in range(p.submits)
    ]
    assert len({entry.key for entry in entries}) == 1200
    assert all(len(file.entries) <= LINES_PER_FILE for file in made)
    for file in made:
        assert len(file.sendings[-1].splitlines()) == len(file.entries) + file.first - 1


def test_files_may_be_short_and_hold_the_same_people_in_the_same_order() -> None:
    short, usual = (
        [e for file in files(everybody()[100:], "run", n) for e in file.entries] for n in (7, 500)
    )
    assert short == usual
    assert {len(file.entries) for file in files(everybody()[100:], "run", 7)} <= set(range(1, 8))


def test_the_office_that_mistyped_rows_sends_a_table_twice_and_only_those_rows_differ() -> None:
    [table] = [file for file in files(everybody(), "run") if file.kind == CSV]
    first, corrected = (sending.splitlines() for sending in table.sendings)
    wrong = [n for n, (a, b) in enumerate(zip(first, corrected, strict=True)) if a != b]
    assert {table.entries[n + 1 - table.first].person for n in wrong} == set(BROKEN_AT_FIRST)
    others = [file for file in files(everybody(), "run") if file.kind == NDJSON]
    assert all(len(file.sendings) == 1 for file in others)
    assert orjson.loads(others[0].sendings[0].splitlines()[0])["client_reference"].startswith("run-")


def handed_over(history: History, *, attention: bool) -> None:
    from dataclasses import replace

    history.told = [
        replace(one, in_bulk=True, lines=None, attention=attention and one.person in history.expects_card)
        for one in history.told
    ]


def test_a_line_that_raised_an_alarm_must_have_told_its_sender_to_call() -> None:
    history = right()
    handed_over(history, attention=True)
    assert judge(history).clean
    handed_over(history, attention=False)
    assert judge(history).counts["crisis_answer_without_lines"] == 1
