"""Guardians know what reached their phone, answer once, and hold no run open by what they will never say."""

import asyncio
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from simulation import timing
from simulation.agreeing import Household, agree
from simulation.counting import count
from simulation.evidence.waiting import Standing
from simulation.figures import Leftovers
from simulation.history import judge
from simulation.population import Person, people
from simulation.population.guardians import agrees
from tests.simulation.answering import OK, server
from tests.simulation.right_history import HELD, T0, right
from tests.waiting import until

YES, NO, SILENT = "+923990000011", "guardian-1-2@example.org", "+923990000013"
TEXT = "Somebody at home asks you. Code 7ZK4M-2XQ9T, PIN 402817, until Thu 4 Feb."


@cache
def many() -> list[Person]:
    return list(people(1, 4000, datetime(2026, 1, 5, 14, 30, tzinfo=ZoneInfo("Asia/Karachi"))))


def receive(folder: Path, name: str, to: str, text: str = TEXT) -> None:
    with (folder / name).open("ab") as file:
        file.write(orjson.dumps({"id": "1", "to": to, "text": text, "received_at": 1.0}) + b"\n")


async def test_whoever_was_asked_answers_with_the_code_that_reached_them(tmp_path: Path) -> None:
    receive(tmp_path, "sms.jsonl", YES, TEXT.replace("402817", "000000"))  # of an earlier run
    household = Household({YES: True, NO: False, SILENT: None}, tmp_path)
    async with server(lambda _: OK) as (address, seen):
        answering = asyncio.create_task(agree(address, household))
        receive(tmp_path, "sms.jsonl", YES)
        receive(tmp_path, "sms.jsonl", "+923990000099")
        receive(tmp_path, "sms.jsonl", YES, "Your appointment is on Fri.")
        receive(tmp_path, "sms.jsonl", SILENT)
        receive(tmp_path, "mail.jsonl", NO)

        async def all_read() -> bool:
            return household.read == 3

        await until(all_read, "three messages read")
        answering.cancel()
    sent = {one.split(b" ")[1].decode(): orjson.loads(one.split(b"\r\n\r\n")[1]) for one in seen}
    consent = {"care": True, "contact": True, "text_version": "2026-01"}
    assert sent == {
        "/v1/invitations/7ZK4M-2XQ9T/accept": {"pin": "402817", "consent": consent},
        "/v1/invitations/7ZK4M-2XQ9T/decline": {"pin": "402817"},
    }


def test_a_message_is_read_once_it_is_whole(tmp_path: Path) -> None:
    household = Household({YES: True}, tmp_path)
    line = orjson.dumps({"id": "1", "to": YES, "text": TEXT}) + b"\n"
    (tmp_path / "sms.jsonl").write_bytes(line[:-5])
    assert household.news() == []
    (tmp_path / "sms.jsonl").write_bytes(line)
    assert household.news() == [(YES, "7ZK4M-2XQ9T", "402817")]
    assert household.news() == []


def test_a_run_waits_for_the_guardians_who_were_asked() -> None:
    stands = Standing({"held": 1, "booked": 1}, untold=0, delivered=2, due=0, asked=1)
    assert not stands.settled(2, answered=0)
    assert stands.settled(2, answered=1)


def minors() -> list[tuple[int, dict[str, Any]]]:
    found = [
        (person.number, person.body["attendees"][0]) for person in many() if person.guarded and person.others
    ]
    assert len(found) > 60
    return found


def test_most_minors_have_a_guardian_who_is_written_to_and_agrees() -> None:
    guarded = [person for person in many() if person.guarded]
    written_to = minors()
    assert 0.8 <= len(written_to) / len(guarded) <= 0.97
    answers = [agrees(1, number) for number, _ in written_to]
    assert 0.75 <= sum(one is True for one in answers) / len(answers) <= 0.95
    assert {True, False, None} == set(answers)


def test_no_guardian_is_reached_where_somebody_else_is() -> None:
    own = {person.address for person in many()}
    reached = [address for person in many() if person.guarded for address in person.others]
    assert len(set(reached)) == len(reached)
    assert own.isdisjoint(reached)


def test_a_refused_case_is_closed_and_not_held_as_well() -> None:
    history = right()
    history.cases = [
        case._replace(withdrawn=True, state="closed") if case.case_id == HELD else case
        for case in history.cases
    ]
    history.agreed = 2
    figures, _ = count(history, Leftovers(), people=4, now=T0)
    assert (figures.held_for_human, figures.refused, figures.agreed) == (0, 1, 2)
    assert judge(history).counts["two_outcomes"] == 0


def test_the_time_a_guardian_takes_is_no_speed_of_ours() -> None:
    history = right()
    slow = replace(
        history,
        guarded=frozenset({0}),
        receipts=[one._replace(received_at=one.received_at + 100) for one in history.receipts[:1]],
    )
    assert timing.figures(slow)["p99_s"] == 0.0
