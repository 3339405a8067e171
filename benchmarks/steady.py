"""How many people a second are booked and told, for minutes, while nothing piles up anywhere.

People ask as fast as the slowest stage takes them in: whoever posts waits as long as more than MOST_WAITING events wait at any
stage. Figures are of the time between the first WARM_SECONDS and the last post; what is told after it counts for nothing.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

import asyncpg

from benchmarks import stacks, usage, world
from benchmarks.stages import LOOK_SECONDS, Stages, watched
from deploy.local import ports
from deploy.local.stack import Plan, Stack
from simulation import asking, handing_over
from simulation.asking import Asked
from simulation.client_log import ClientLog, read_client_log
from simulation.evidence import sinks
from simulation.http_client import Address
from simulation.population import Person
from simulation.seeding import Badges
from simulation.timing import percentile

FOLDER = Path(".local/steady")
SEED, KNOWN = (
    1,
    3000,
)  # as many people ask again and again, each time as somebody else: making them costs as much as posting them
WARM_SECONDS = 15.0
POSTING, AT_ONCE = 3, 150  # so many times so many people at once
PACED_SECONDS = 5.0
MOST_WAITING = 1000
SETTLED_SECONDS = 60.0
TOLD = """
SELECT c.case_code, m.id::text AS message, m.channel, m.settled_at
FROM intake.cases c JOIN notifications.messages m USING (case_id, person_id)
WHERE c.case_code = ANY ($1) AND m.purpose = 'booked'
"""
BOOKED = "SELECT count(DISTINCT case_id) FROM scheduling.appointments JOIN intake.cases USING (case_id) WHERE case_code = ANY ($1)"


@dataclass(slots=True)
class Load:
    """Who asks, and how it went. `per_second`: a steady rate instead of as fast as it goes; `in_files`: the share of
    people who come in files of a practice; `known` is how many they are before they ask again."""

    address: Address
    badges: Badges
    log: ClientLog
    people: Iterator[Person]
    in_files: float = 0.0
    per_second: float | None = None
    known: int = KNOWN
    asked: Asked = field(default_factory=Asked)
    most: dict[str, int] = field(default_factory=dict)
    waited: list[int] = field(default_factory=list)
    room: asyncio.Event = field(default_factory=asyncio.Event)

    async def pour(self, seconds: float) -> None:
        """For so long."""
        until = time.monotonic() + seconds
        if self.per_second:
            while time.monotonic() < until:  # nobody asks twice under one key
                await self.post(
                    list(islice(self.people, min(self.known, round(PACED_SECONDS * self.per_second))))
                )
            return
        async with asyncio.TaskGroup() as group:
            for _ in range(POSTING):
                group.create_task(self._as_there_is_room(until))

    async def _as_there_is_room(self, until: float) -> None:
        while time.monotonic() < until:
            await self.post(list(islice(self.people, AT_ONCE)))
            await self.room.wait()

    async def look_on(self, stages: Stages) -> None:
        """Without end: whether there is room, and how much waited at most."""
        while True:
            waiting = await stages.look()
            self.waited.append(sum(waiting.values()))
            self.most = {name: max(number, self.most.get(name, 0)) for name, number in waiting.items()}
            (self.room.set if max(waiting.values()) <= MOST_WAITING else self.room.clear)()
            await asyncio.sleep(LOOK_SECONDS)

    async def post(self, some: list[Person]) -> None:
        """All of these, each once."""
        handed, alone = handing_over.by_bulk(some, self.in_files)
        run = uuid4().hex[:12]
        jobs = list(asking.submits(alone, run, self.address))
        files = list(handing_over.files(handed, run, AT_ONCE))
        await asyncio.gather(
            asking.ask(self.address, jobs, self.log, self.asked, per_second=self.per_second),
            handing_over.hand_over(
                self.address, files, self.badges.staff("coordinator"), self.log, self.asked
            ),
        )


@asynccontextmanager
async def country(therapists: int = world.THERAPISTS, spare: Sequence[str] = ()) -> AsyncIterator[Stack]:
    """Our whole stack, with the care of the fixed world in it; `spare` are processes that may be added, and have a port."""
    plan = Plan(ports=ports.anywhere([*ports.PREFERRED, *spare]))
    async with stacks.started(FOLDER, plan) as stack:
        await stacks.populate(stack, SEED, therapists)
        await stack.traced()
        yield stack


async def measure(
    stack: Stack,
    seconds: float,
    *,
    in_files: float = 0.0,
    per_second: float | None = None,
    people: Sequence[Person] = (),
    still: str = "",
) -> dict[str, Any]:
    """One run on a stack that is up; `people` are others than those of the whole world; `still` is a stage that nobody works on."""
    address, file = Address.of(stack.addresses["intake"]), stack.folder / f"client-{uuid4().hex}.jsonl"
    log, badges = ClientLog(file), Badges.of(stack.folder / "secrets", now=time.time())
    load = Load(
        address,
        badges,
        log,
        cycle(people or world.askers(SEED, KNOWN)),
        in_files,
        per_second,
        len(people) or KNOWN,
    )
    async with watched(stack.addresses["database"], stack.addresses["kafka"]) as stages:
        looking = asyncio.create_task(load.look_on(stages))
        await load.pour(WARM_SECONDS)
        load.waited.clear()
        warm, before = time.time(), stacks.used(stack)
        await load.pour(seconds)
        ended, after = time.time(), stacks.used(stack)
        looking.cancel()
        await stages.calm(SETTLED_SECONDS, still=still)
        log.close()
        found = await _told(stages.connection, stack.folder / "sinks", file, warm, ended)
    used = usage.between(before, after)
    return {
        "in_files": in_files,
        "per_second": per_second,
        "seconds": round(ended - warm, 1),
        **found,
        # Of one core, by whoever asks and looks on: were it near 1, it would be what is measured.
        "client_busy": round(used["client"] / (ended - warm), 2),
        "waiting_by_quarter": quarters(load.waited),
        "refused": len(load.asked.refused) + load.asked.unanswered,
        "cpu_ms": usage.milliseconds_each(used, max(1, found["journeys"])),
        "memory_mb": {name: one.memory >> 20 for name, one in sorted(after.items())},
        "most_waiting": dict(sorted(load.most.items())),
    }


def quarters(waited: Sequence[int]) -> list[float]:
    """The median of what waited at all stages together in each quarter of the time: it rises where something piles up."""
    size = max(1, len(waited) // 4)
    return [float(median(part)) for place in range(4) if (part := waited[place * size : (place + 1) * size])]


async def fill(stack: Stack, people: Sequence[Person], count: int) -> None:
    """So many requests, as fast as they are answered; nobody waits for what becomes of them."""
    badges = Badges.of(stack.folder / "secrets", now=time.time())
    log = ClientLog(stack.folder / "client-filling.jsonl")
    load = Load(Address.of(stack.addresses["intake"]), badges, log, cycle(people), known=len(people))
    for _ in range(0, count, AT_ONCE):
        await load.post(list(islice(load.people, AT_ONCE)))
    log.close()


async def settle(stack: Stack, still: str = "") -> None:
    """Returns when nothing waits at any stage but `still`, at the latest after SETTLED_SECONDS."""
    async with watched(stack.addresses["database"], stack.addresses["kafka"]) as stages:
        await stages.calm(SETTLED_SECONDS, still=still)


async def _told(
    connection: asyncpg.Connection, folder: Path, file: Path, warm: float, ended: float
) -> dict[str, Any]:
    """Of the people who asked after the processes were warm: how many were booked and told, how soon, and how many a second."""
    asked = {told.case_code: told.asked_at for told in read_client_log(file) if told.case_code}
    rows = await connection.fetch(TOLD, list(asked))
    arrived = {one.message_id: one.received_at for one in sinks.receipts(folder, since=0.0)}
    at = {row["case_code"]: moment for row in rows if (moment := _arrival(row, arrived))}
    waits = sorted(at[code] - asked[code] for code in at if warm <= asked[code] <= ended)
    journeys = sum(warm <= moment <= ended for moment in at.values())
    booked = await connection.fetchval(BOOKED, list(asked))
    return {
        "people": len(asked),
        "asked_per_second": round(sum(warm <= at <= ended for at in asked.values()) / (ended - warm), 1),
        "booked_share": round(booked / max(1, len(asked)), 4),
        "told_share": round(len(at) / max(1, booked), 4),
        "journeys": journeys,
        "journeys_per_second": round(journeys / (ended - warm), 1),
        "p50_s": round(percentile(waits, 0.50), 3),
        "p99_s": round(percentile(waits, 0.99), 3),
    }


def _arrival(row: Mapping[str, Any], arrived: Mapping[str, float]) -> float | None:
    if row["channel"] == "inbox" and row["settled_at"]:
        return float(row["settled_at"].timestamp())
    return arrived.get(row["message"])
