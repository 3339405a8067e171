"""Whether a person costs more when many have asked before.

BEFORE people come through the front door. The services stop, what is in the database becomes history and is multiplied
(benchmarks/multiply.py), the services start again, and whoever asks in SECONDS is measured; once without a copy, then for each of SIZES.
Kafka's topics are what the people measured have left in them: nothing reads further back.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from benchmarks import machine, statements, steady, world
from benchmarks.multiply import multiply
from benchmarks.statements import Statement
from deploy.local.stack import Stack

BEFORE = 20_000
SIZES = (100_000, 300_000, 1_000_000)
SECONDS = 12.0
COUNTED_SECONDS = 12.0  # everybody's free hours are counted every ten
KEPT = (
    "journeys",
    "journeys_per_second",
    "p50_s",
    "p99_s",
    "booked_share",
    "told_share",
    "cpu_ms",
    "memory_mb",
)


async def measure(stack: Stack, cases: int) -> dict[str, Any]:
    """On a stack with care in it, at BEFORE and at each of SIZES up to `cases`; `ratio` is the last one's cost against the first's."""
    await steady.fill(stack, world.askers(steady.SEED, steady.KNOWN), BEFORE)
    await steady.settle(stack)
    found: list[dict[str, Any]] = []
    before: dict[str, Statement] = {}
    mark: str | None = None
    for size in [BEFORE, *(one for one in SIZES if one < cases), cases]:
        async with away(stack):
            times = -(-size // await _cases(stack))
            mark = await multiply(stack.addresses["database"], times, mark)
        await asyncio.sleep(COUNTED_SECONDS)
        row, done = await person(stack)
        before = before or done
        found.append(row | {"grown": statements.grown(before, done)})
    return judged(found)


def judged(sizes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Each size's cost against that of the first, by the number of cases; `ratio` is the last one's."""
    first = sizes[0]["cost_ms"]
    ratios = {str(row["cases"]): round(row["cost_ms"] / first, 3) for row in sizes[1:]}
    return {"sizes": sizes, "ratios": ratios, "ratio": list(ratios.values())[-1]}


async def _cases(stack: Stack) -> int:
    connection = await asyncpg.connect(stack.addresses["database"])
    try:
        return int(await connection.fetchval("SELECT count(*) FROM intake.cases"))
    finally:
        await connection.close()


async def person(stack: Stack) -> tuple[dict[str, Any], dict[str, Statement]]:
    """What one costs now: milliseconds of CPU by process and in all; and what the statements did."""
    cases = await _cases(stack)
    connection = await asyncpg.connect(stack.addresses["database"])
    try:
        size = await connection.fetchval("SELECT pg_database_size(current_database())")
        await statements.forget(connection)
        found = await steady.measure(stack, SECONDS)
        done = await statements.counted(connection, found["people"])
    finally:
        await connection.close()
    own = {
        "cases": cases,
        "database_mb": size >> 20,
        "cost_ms": round(sum(found["cpu_ms"].values()), 2),
        "loop_seconds": machine.loop_seconds(),  # how fast it was just then
    }
    return own | {one: found[one] for one in KEPT}, done


@asynccontextmanager
async def away(stack: Stack, names: Sequence[str] = ()) -> AsyncIterator[None]:
    """While it is entered no service runs; the servers do. Returns when all are ready again."""
    names = names or [one.name for one in stack.plan.processes]
    for name in reversed(names):
        await stack.hold(name)
    try:
        yield
    finally:
        for name in names:
            await stack.restart(name)
        for name in names:
            await stack.ready(name)
