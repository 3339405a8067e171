"""A stack of its own for each measurement, the fixed world in it, and what its processes have used."""

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from benchmarks import usage, world
from deploy.local import ports
from deploy.local.stack import Plan, Stack
from simulation import demo
from simulation.seeding import seed_care, staff_token

SERVERS = ("postgres", "kafka", "zipkin")
COUNTED_SECONDS = 60.0
# In which lanes somebody has no hour at all is counted every ten seconds, and told.
NOT_COUNTED = "SELECT count(*) FROM matching.loads WHERE NOT told"


@asynccontextmanager
async def started(folder: Path, plan: Plan | None = None) -> AsyncIterator[Stack]:
    """Up with nothing in it, on ports of its own; what an earlier one left in the folder is gone."""
    shutil.rmtree(folder, ignore_errors=True)
    stack = Stack(folder, plan=plan or Plan(ports=ports.anywhere()), tell=nothing)
    await stack.start()
    try:
        yield stack
    finally:
        await stack.stop()


async def populate(stack: Stack, seed: int, therapists: int = world.THERAPISTS) -> None:
    """Puts the care of the fixed world in; returns when its readers know it and everybody's hours are counted. Raises TimeoutError."""
    token = staff_token(stack.folder / "secrets", now=time.time())
    await seed_care(stack.addresses, world.care(seed, therapists), token, nothing)
    await demo.until_care_is_known(stack.addresses["database"])
    connection = await asyncpg.connect(stack.addresses["database"])
    try:
        async with asyncio.timeout(COUNTED_SECONDS):
            while await connection.fetchval(NOT_COUNTED):  # noqa: ASYNC110 - another process counts
                await asyncio.sleep(0.2)
    finally:
        await connection.close()


def used(stack: Stack, others: Mapping[str, int] | None = None) -> dict[str, usage.Usage]:
    """Up to now, by every process of a stack that runs, by the client that asks, and by `others` (name to pid)."""
    names = [*SERVERS, *(process.name for process in stack.plan.processes)]
    own = {"client": os.getpid(), **{name: stack.pid(name) for name in names if stack.is_running(name)}}
    return {
        name: usage.of(usage.family(pid) if name == "postgres" else [pid])
        for name, pid in (own | dict(others or {})).items()
    }


def nothing(_line: str) -> None:
    """What a stack and the demo tell is not shown."""
