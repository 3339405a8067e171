"""Who stops has asked before, is told so, and the client's own file says when."""

import itertools
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import pytest

from simulation import stopping
from simulation.client_log import read_client_log
from simulation.population import people
from simulation.stopping import read_stops, stop
from tests.simulation.answering import BUSY, server

PEOPLE = list(people(6, 3, datetime(2026, 1, 5, 14, 30, tzinfo=ZoneInfo("Asia/Karachi"))))


def answer(status: int, **content: object) -> bytes:
    body = orjson.dumps(content)
    return b"HTTP/1.1 %d OK\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


def visit(number: int, last: bytes) -> list[bytes]:
    return [answer(202, case_code=f"CODE{number}", pin="123456"), answer(200, token="t"), last]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "SOON", (0.0, 0.0))


async def test_each_asks_comes_back_and_stops_and_it_is_written_down_when(tmp_path: Path) -> None:
    file = tmp_path / "stops.jsonl"
    replies = [reply for n in range(3) for reply in visit(n, answer(200))]
    replies.insert(2, BUSY)
    async with server(lambda n: replies[n - 1]) as (address, seen):
        assert await stop(address, PEOPLE, "run", file, seed=1, more=lambda: True) == 3
    assert [told.case_code for told in read_client_log(file)] == ["CODE0", "CODE1", "CODE2"]
    stops = list(read_stops(file))
    assert [code for code, _ in stops] == ["CODE0", "CODE1", "CODE2"]
    assert all(a < b for (_, a), (_, b) in itertools.pairwise(stops))
    assert b"POST /v1/cases/CODE0/withdraw" in seen[3]
    assert b'"stop_contact":true' in seen[3]
    assert b"authorization: Bearer t" in seen[3]


async def test_a_stop_that_was_refused_promises_no_silence(tmp_path: Path) -> None:
    file = tmp_path / "stops.jsonl"
    replies = visit(0, answer(404))
    async with server(lambda n: replies[n - 1]) as (address, _):
        assert await stop(address, PEOPLE[:1], "run", file, seed=1, more=lambda: True) == 0
    assert list(read_stops(file)) == []


async def test_nobody_begins_when_there_may_be_no_more(tmp_path: Path) -> None:
    async with server(lambda _: None) as (address, seen):
        assert await stop(address, PEOPLE, "run", tmp_path / "s.jsonl", seed=1, more=lambda: False) == 0
    assert seen == []
