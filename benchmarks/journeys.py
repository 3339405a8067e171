"""What a person costs: the demo's country on a stack of its own, again and again, with the CPU of every process beside it.

The first turn finds processes that have just started; the others find them warm.
"""

import asyncio
import time
from pathlib import Path
from typing import Any

import asyncpg
import orjson

from benchmarks import stacks, usage
from deploy.local.stack import Stack
from simulation import demo

FOLDER = Path(".local/bench")
LOOK_SECONDS = 0.25
KEPT = ("seconds", "journeys", "journeys_per_second", "p50_s", "p99_s")


async def measure(people: int, turns: int, in_files: float) -> list[dict[str, Any]]:
    """A row for each turn: the demo's own figures, CPU in milliseconds and bytes written by each person."""
    async with stacks.started(FOLDER) as stack:
        return [await _turn(stack, people, turn, in_files) for turn in range(1, turns + 1)]


async def _turn(stack: Stack, people: int, seed: int, in_files: float) -> dict[str, Any]:
    secrets, out = stack.folder / "secrets", stack.folder / "demo.json"
    country: dict[str, Any] = {"people": people, "seed": seed, "secrets": secrets, "progress": stacks.nothing}
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
    return usage.milliseconds_each(usage.between(seen[0][1], last), people)


async def _look(stack: Stack, seen: list[tuple[float, dict[str, usage.Usage]]]) -> None:
    while True:
        seen.append((time.time(), stacks.used(stack)))
        await asyncio.sleep(LOOK_SECONDS)


async def _bytes(stack: Stack) -> dict[str, int]:
    connection = await asyncpg.connect(stack.addresses["database"])
    try:
        tables = await connection.fetchval("SELECT pg_database_size(current_database())")
    finally:
        await connection.close()
    logs = sum(file.stat().st_size for file in (stack.folder / "kafka").rglob("*.log"))
    return {"postgres": tables, "kafka": logs}
