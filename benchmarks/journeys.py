"""What a person costs: the demo's country on a stack of its own, again and again, with the CPU of every process beside it.

The first turn finds processes that have just started; the others find them warm.
"""

import asyncio
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg
import orjson

from benchmarks import usage
from deploy.local import ports
from deploy.local.stack import Plan, Stack
from simulation import demo

FOLDER = Path(".local/bench")
LOOK_SECONDS = 0.25
SERVERS = ("postgres", "kafka", "zipkin")
KEPT = ("seconds", "journeys", "journeys_per_second", "p50_s", "p99_s")


async def measure(people: int, turns: int, in_files: float) -> list[dict[str, Any]]:
    """A row for each turn: the demo's own figures, CPU in milliseconds and bytes written by each person."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    stack = Stack(FOLDER, plan=Plan(ports=ports.anywhere()), tell=_nothing)
    await stack.start()
    try:
        return [await _turn(stack, people, turn, in_files) for turn in range(1, turns + 1)]
    finally:
        await stack.stop()


async def _turn(stack: Stack, people: int, seed: int, in_files: float) -> dict[str, Any]:
    secrets, out = stack.folder / "secrets", stack.folder / "demo.json"
    country: dict[str, Any] = {"people": people, "seed": seed, "secrets": secrets, "progress": _nothing}
    await demo.seed(stack.addresses, **country)
    await stack.traced()
    seen: list[tuple[float, dict[str, usage.Usage]]] = []
    looking = asyncio.create_task(_look(stack, seen))
    before, began = await _bytes(stack), time.time()
    code = await demo.run(stack.addresses, out=out, in_bulk=in_files, **country)
    looking.cancel()
    told = orjson.loads(out.read_bytes())
    written = {
        name: round((number - before[name]) / people) for name, number in (await _bytes(stack)).items()
    }
    return {
        "turn": seed,
        "kept": code == 0,
        **{name: told[name] for name in KEPT},
        "cpu_ms": _cpu(seen, began + told["seconds"], people),
        "bytes": written,
        "memory_mb": {name: one.memory >> 20 for name, one in seen[-1][1].items()},
    }


def _cpu(seen: list[tuple[float, dict[str, usage.Usage]]], until: float, people: int) -> dict[str, float]:
    """Until the last person was told; what comes after it is looked at by nobody who waits."""
    last = next((taken for at, taken in seen if at >= until), seen[-1][1])
    spent = usage.between(seen[0][1], last)
    return {name: round(1000 * seconds / people, 3) for name, seconds in sorted(spent.items())}


async def _look(stack: Stack, seen: list[tuple[float, dict[str, usage.Usage]]]) -> None:
    while True:
        seen.append((time.time(), {name: usage.of(own) for name, own in pids(stack).items()}))
        await asyncio.sleep(LOOK_SECONDS)


def pids(stack: Stack) -> Mapping[str, list[int]]:
    """Of every process of a stack that runs, and of the client that asks."""
    names = [*SERVERS, *(process.name for process in stack.plan.processes)]
    return {"client": [os.getpid()]} | {
        name: usage.family(stack.pid(name)) if name == "postgres" else [stack.pid(name)]
        for name in names
        if stack.is_running(name)
    }


async def _bytes(stack: Stack) -> dict[str, int]:
    connection = await asyncpg.connect(stack.addresses["database"])
    try:
        tables = await connection.fetchval("SELECT pg_database_size(current_database())")
    finally:
        await connection.close()
    logs = sum(file.stat().st_size for file in (stack.folder / "kafka").rglob("*.log"))
    return {"postgres": tables, "kafka": logs}


def _nothing(_line: str) -> None:
    """What the stack and the demo tell is not shown."""
