"""What waits is as old as is said, what grows is named, and whoever asks is seen from outside."""

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
from aiokafka import TopicPartition

from benchmarks import load, stages, steady
from benchmarks.load import Load
from benchmarks.stages import Arrivals, Look, Stages, Waiting
from simulation.asking import Asked
from simulation.client_log import read_client_log
from simulation.http_client import Address
from simulation.population import Person
from tests.simulation.answering import server

PLACE = TopicPartition("a", 0)
ACCEPTED = b'HTTP/1.1 202 Accepted\r\nContent-Length: 26\r\n\r\n{"case_code":"C","pin":""}'
PEOPLE = [Person(number, {"n": number}, None, True, 1, False) for number in range(5)]


def looks(ages: Sequence[float]) -> list[Look]:
    return [{"send": Waiting(1, age)} for age in ages]


def test_an_event_is_as_old_as_when_it_was_first_seen_there() -> None:
    arrivals = Arrivals()
    for now, end in ((10.0, 5), (11.0, 5), (12.0, 8), (13.0, 8)):
        arrivals.note({PLACE: end}, now)
    assert [arrivals.age(PLACE, offset, 13.0) for offset in (4, 5, 7, 8)] == [3.0, 1.0, 1.0, 0.0]
    arrivals.forget({PLACE: 5})
    assert [arrivals.age(PLACE, offset, 13.0) for offset in (5, 7, 8)] == [1.0, 1.0, 0.0]


def test_what_everybody_has_read_takes_no_room() -> None:
    arrivals = Arrivals()
    for now in range(1000):
        arrivals.note({PLACE: now}, float(now))
        arrivals.forget({PLACE: now - 2})
    assert len(arrivals.seen[PLACE]) == 2


def test_a_stage_waits_as_long_as_the_longest_in_it() -> None:
    waiting = Waiting()
    waiting.add(3, 0.5)
    waiting.add(4, 2.5)
    waiting.add(1, 0.0)
    assert waiting == Waiting(8, 2.5)


async def test_a_look_is_over_before_anybody_else_asks_on_its_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    under_way: list[str] = []

    async def look(_: Stages) -> Look:
        under_way.append("look")
        await asyncio.sleep(0.05)
        under_way.pop()
        return {}

    monkeypatch.setattr(Stages, "look", look)
    seen: list[Look] = []
    async with Stages(None, None).looking(seen.append):
        await asyncio.sleep(0.01)
        assert under_way
    assert not under_way
    assert seen == [{}]


@pytest.mark.parametrize(
    ("ages", "grown"),
    [
        ([place / 10 for place in range(100)], True),
        ([3.0, 0.1] * 50, False),
        ([0.0] * 50 + [0.4] * 50, False),  # as much as two looks make
        ([5.0] * 60 + [0.0] * 39 + [9.0], False),  # one look at the end is no growth
        ([2.0], False),
    ],
)
def test_only_what_stays_older_to_the_end_is_growing(ages: list[float], grown: bool) -> None:
    found = stages.oldest(looks(ages))
    assert found["send"]["most"] == max(ages)
    assert stages.growing(found) == (["send"] if grown else [])


def test_a_stage_that_is_seen_late_had_nothing_waiting_before() -> None:
    found = stages.oldest([{}, {}, {}, *looks([4.0])])
    assert found == {"send": {"middle": 0.0, "end": 4.0, "most": 4.0}}
    assert stages.most([{}, *looks([4.0])]) == {"send": 1}


def test_who_asks_at_a_pace_says_how_late() -> None:
    late = Asked(late=[0.001] * 98 + [0.030, 0.5])
    assert steady.asking(late, 0.1234) == {"busy": 0.123, "late_p99_ms": 30.0}
    assert steady.asking(Asked(), 0.5) == {"busy": 0.5}


async def test_at_a_pace_everybody_leaves_in_time_and_nobody_asks_twice_under_one_key(tmp_path: Path) -> None:
    async with server(lambda _: ACCEPTED) as (address, seen):
        began = asyncio.get_running_loop().time()
        asked = await Load(address, tmp_path / "asked.jsonl", PEOPLE, per_second=100.0).pour(0.3)
        assert asyncio.get_running_loop().time() - began >= 0.29
    told = list(read_client_log(tmp_path / "asked.jsonl"))
    assert len(seen) == len(asked.late) == len({one.key for one in told}) == 30
    assert [one.person for one in told][:10] == [0, 1, 2, 3, 4] * 2


async def test_whoever_finds_no_room_waits(tmp_path: Path) -> None:
    async with (
        server(lambda _: ACCEPTED) as (address, seen),
        load.client(address, tmp_path / "asked.jsonl", PEOPLE, None) as client,
    ):
        assert client.pid != os.getpid()
        pouring = asyncio.create_task(client.pour(0.2))
        async with asyncio.timeout(20):
            while len(seen) < load.POSTING * load.AT_ONCE:
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.3)
        assert (pouring.done(), len(seen)) == (False, load.POSTING * load.AT_ONCE)
        client.room.set()
        assert len((await pouring).codes) == len(seen)


async def test_what_fails_in_the_client_is_heard_here(tmp_path: Path) -> None:
    async with load.client(Address("127.0.0.1", 1), tmp_path / "asked.jsonl", [], None) as client:  # nobody
        with pytest.raises(ExceptionGroup):
            await client.pour(0.1)


async def test_whoever_leaves_by_a_failure_does_not_wait_for_those_who_ask(tmp_path: Path) -> None:
    began = asyncio.get_running_loop().time()
    with pytest.raises(RuntimeError, match="seen enough"):
        async with (
            server(lambda _: ACCEPTED) as (address, _),
            load.client(address, tmp_path / "asked.jsonl", PEOPLE, 10.0) as client,
        ):
            pouring = asyncio.create_task(client.pour(600.0))
            await asyncio.sleep(0.1)
            raise RuntimeError("seen enough")
    with pytest.raises(BrokenProcessPool):
        await pouring
    assert asyncio.get_running_loop().time() - began < 60
