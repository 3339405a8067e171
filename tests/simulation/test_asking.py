"""Everybody asks once for themselves, and the client's file says what each was told."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import pytest

from simulation import http_client
from simulation.asking import Asked, ask, submits
from simulation.client_log import ClientLog, read_client_log
from simulation.http_client import Address
from simulation.population import Person, people
from tests.simulation.answering import BUSY, server

PEOPLE = list(people(6, 300, datetime(2026, 1, 5, 14, 30, tzinfo=ZoneInfo("Asia/Karachi"))))


def accepted(number: int, crisis: str = "") -> bytes:
    body = f'{{"case_code":"CODE{number}","pin":"1"{crisis}}}'.encode()
    return b"HTTP/1.1 202 Accepted\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


async def told(reply: object, asking: list[Person], tmp_path: Path) -> tuple[Asked, list[object]]:
    log, asked = ClientLog(tmp_path / "client.jsonl"), Asked()
    async with server(reply) as (address, _):  # type: ignore[arg-type]
        await ask(address, list(submits(asking, "run", address)), log, asked)
    log.close()
    return asked, list(read_client_log(tmp_path / "client.jsonl"))


def test_a_double_submit_is_the_same_bytes_under_the_same_key() -> None:
    jobs = list(submits(PEOPLE, "run", Address("127.0.0.1", 1)))
    twice = [person for person in PEOPLE if person.submits == 2]
    assert twice
    assert len(jobs) == len(PEOPLE) + len(twice)
    for person in twice:
        first, second = (job for job in jobs if job.person == person.number)
        assert first == second
    assert len({job.key for job in jobs}) == len(PEOPLE)


def test_whoever_was_without_a_connection_asks_once_everybody_else_has() -> None:
    late = [person.number for person in PEOPLE if person.late for _ in range(person.submits)]
    assert late
    jobs = [job.person for job in submits(PEOPLE, "run", Address("127.0.0.1", 1))]
    assert jobs[-len(late) :] == late
    assert set(jobs) == {person.number for person in PEOPLE}


def test_the_same_people_may_ask_again_in_another_run() -> None:
    first, second = (next(submits(PEOPLE, run, Address("127.0.0.1", 1))) for run in ("one", "two"))
    assert first.key != second.key


def test_a_request_is_whole_json_with_its_key() -> None:
    job = next(submits(PEOPLE, "run", Address("127.0.0.1", 8101)))
    head, _, body = job.request.partition(b"\r\n\r\n")
    assert orjson.loads(body) == PEOPLE[0].body
    assert b"POST /v1/cases HTTP/1.1" in head
    assert b"idempotency-key: run-0" in head
    assert f"content-length: {len(body)}".encode() in head


async def test_everybody_is_answered_and_written_down(tmp_path: Path) -> None:
    asked, lines = await told(lambda n: BUSY if n % 7 == 0 else accepted(n), PEOPLE, tmp_path)
    assert len(asked.codes) == len(lines) == sum(person.submits for person in PEOPLE)
    assert asked.refused == []
    assert {line.case_code for line in lines} == set(asked.codes)  # type: ignore[attr-defined]


async def test_crisis_lines_are_counted_and_refusals_kept(tmp_path: Path) -> None:
    refusal = b"HTTP/1.1 422 Refused\r\nContent-Length: 2\r\n\r\n{}"
    card = ',"crisis":{"lines":[{"id":"a"},{"id":"b"}]}'
    replies = {1: accepted(1, card), 2: refusal, 3: accepted(3, ',"crisis":{"lines":[]}')}
    asked, _ = await told(lambda n: replies.get(n, accepted(n)), PEOPLE[:20], tmp_path)
    assert asked.refused == [422]
    lines = [line.lines for line in read_client_log(tmp_path / "client.jsonl")]
    assert sorted((n for n in lines if n is not None), reverse=True) == [2, 0]


async def test_who_is_never_answered_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "PATIENCE", 0.05)
    asked, lines = await told(lambda _: None, PEOPLE[:5], tmp_path)
    assert (asked.unanswered, lines) == (sum(person.submits for person in PEOPLE[:5]), [])
    assert b'"fail"' in (tmp_path / "client.jsonl").read_bytes()
