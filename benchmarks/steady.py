"""How many people a second are booked and told, for minutes, while nothing piles up anywhere.

People ask as fast as the slowest stage takes them in: whoever posts (benchmarks/load.py) waits as long as more than MOST_WAITING
events wait at any stage. Figures are of the time between the first WARM_SECONDS and the last post; what is told after it counts for nothing.
"""

import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg

from benchmarks import load, stacks, stages, usage, world
from benchmarks.load import Client, Load
from benchmarks.stages import Look, watched
from deploy.local import ports
from deploy.local.stack import Plan, Stack
from simulation.asking import Asked
from simulation.client_log import read_client_log
from simulation.evidence import sinks
from simulation.http_client import Address
from simulation.population import Person
from simulation.timing import percentile

FOLDER = Path(".local/steady")
SEED, KNOWN = (
    1,
    3000,
)  # as many people ask again and again, each time as somebody else: making them costs as much as posting them
WARM_SECONDS = 15.0
MOST_WAITING = 1000
SETTLED_SECONDS = 60.0
TOLD = """
SELECT c.case_code, m.id::text AS message, m.channel, m.settled_at
FROM intake.cases c JOIN notifications.messages m USING (case_id, person_id)
WHERE c.case_code = ANY ($1) AND m.purpose = 'booked'
"""
BOOKED = "SELECT count(DISTINCT case_id) FROM scheduling.appointments JOIN intake.cases USING (case_id) WHERE case_code = ANY ($1)"


@dataclass(slots=True)
class Run:
    """What was seen between two moments (Unix time) at which everything had used so much."""

    looks: list[Look] = field(default_factory=list)
    warm: float = 0.0
    ended: float = 0.0
    before: dict[str, usage.Usage] = field(default_factory=dict)
    after: dict[str, usage.Usage] = field(default_factory=dict)
    asked: Asked = field(default_factory=Asked)

    @property
    def seconds(self) -> float:
        return self.ended - self.warm


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
    per_second: float | None = None,
    people: Sequence[Person] = (),
    still: str = "",
    warm_seconds: float = WARM_SECONDS,
) -> dict[str, Any]:
    """One run on a stack that is up; `people` are others than those of the whole world; `still` is a stage that nobody works on."""
    address, file = Address.of(stack.addresses["intake"]), stack.folder / f"client-{uuid4().hex}.jsonl"
    async with (
        watched(stack.addresses["database"], stack.addresses["kafka"]) as seen,
        load.client(address, file, people or world.askers(SEED, KNOWN), per_second) as client,
    ):
        run = Run()
        async with seen.looking(lambda look: _note(run, client, look)):
            await client.pour(warm_seconds)
            run.looks.clear()
            run.warm, run.before = time.time(), stacks.used(stack, {"client": client.pid})
            run.asked = await client.pour(seconds)
            run.ended, run.after = time.time(), stacks.used(stack, {"client": client.pid})
        await seen.calm(SETTLED_SECONDS, still=still)
        found = await _told(seen.connection, stack.folder / "sinks", file, run)
    return {"per_second": per_second, "seconds": round(run.seconds, 1), **found, **_figures(run, found)}


def _note(run: Run, client: Client, look: Look) -> None:
    run.looks.append(look)
    most = max(one.number for one in look.values())
    (client.room.set if most <= MOST_WAITING else client.room.clear)()


def _figures(run: Run, found: Mapping[str, Any]) -> dict[str, Any]:
    spent, ages = usage.between(run.before, run.after), stages.oldest(run.looks)
    return {
        "refused": len(run.asked.refused) + run.asked.unanswered,
        "client": asking(run.asked, spent["client"] / run.seconds),
        "cpu_ms": usage.milliseconds_each(spent, max(1, found["journeys"])),
        "memory_mb": {name: one.memory >> 20 for name, one in sorted(run.after.items())},
        "most_waiting": stages.most(run.looks),
        "oldest_s": ages,
        "growing": stages.growing(ages),
    }


def asking(asked: Asked, busy: float) -> dict[str, float]:
    """Which share of one core whoever asks was busy, and, at a pace, how late its posts left against their schedule: were it near one, or
    late, it would be what is measured."""
    late = sorted(asked.late)
    paced = {"late_p99_ms": round(1000 * percentile(late, 0.99), 1)} if late else {}
    return {"busy": round(busy, 3)} | paced


def lines(part: str, found: Mapping[str, Any]) -> Iterator[str]:
    """As a reader sees them."""
    apart = ("machine", "oldest_s", "growing", "most_waiting")
    yield from (f"{part}: {name} {value}" for name, value in found.items() if name not in apart)
    for stage, age in found["oldest_s"].items():
        yield (
            f"  {stage:34} at most {found['most_waiting'][stage]:6} waited; the oldest for {age['middle']:6.2f} s in the middle, "
            f"{age['end']:6.2f} s at the end, {age['most']:6.2f} s at most"
        )
    yield f"  older at the end than in the middle: {', '.join(found['growing']) or 'none'}"


async def fill(stack: Stack, people: Sequence[Person], count: int) -> None:
    """So many requests, as fast as they are answered; nobody waits for what becomes of them."""
    address = Address.of(stack.addresses["intake"])
    await Load(address, stack.folder / "client-filling.jsonl", people).fill(count)


async def settle(stack: Stack, still: str = "") -> None:
    """Returns when nothing waits at any stage but `still`, at the latest after SETTLED_SECONDS."""
    async with watched(stack.addresses["database"], stack.addresses["kafka"]) as stages:
        await stages.calm(SETTLED_SECONDS, still=still)


async def _told(connection: asyncpg.Connection, folder: Path, file: Path, run: Run) -> dict[str, Any]:
    """Of the people who asked after the processes were warm: how many were booked and told, how soon, and how many a second."""
    warm, ended = run.warm, run.ended
    asked = {told.case_code: told.asked_at for told in read_client_log(file) if told.case_code}
    rows = await connection.fetch(TOLD, list(asked))
    arrived = {one.message_id: one.received_at for one in sinks.receipts(folder, since=0.0)}
    at = {row["case_code"]: moment for row in rows if (moment := _arrival(row, arrived))}
    waits = sorted(at[code] - asked[code] for code in at if warm <= asked[code] <= ended)
    journeys = sum(warm <= moment <= ended for moment in at.values())
    booked = await connection.fetchval(BOOKED, list(asked))
    return {
        "people": len(asked),
        "asked_per_second": round(sum(warm <= at <= ended for at in asked.values()) / run.seconds, 1),
        "booked_share": round(booked / max(1, len(asked)), 4),
        "told_share": round(len(at) / max(1, booked), 4),
        "journeys": journeys,
        "journeys_per_second": round(journeys / run.seconds, 1),
        "p50_s": round(percentile(waits, 0.50), 3),
        "p99_s": round(percentile(waits, 0.99), 3),
    }


def _arrival(row: Mapping[str, Any], arrived: Mapping[str, float]) -> float | None:
    if row["channel"] == "inbox" and row["settled_at"]:
        return float(row["settled_at"].timestamp())
    return arrived.get(row["message"])
