"""What the kernel alone costs: events from the transaction that says them, through outbox, Kafka and inbox, to a handler that
does nothing. The floor under every journey."""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import usage
from deploy.local import databases, kafka, postgres
from deploy.local.ports import free_port
from shared.contracts.scheduling import SlotNotFound
from shared.contracts.topics import TOPICS
from shared.messaging import MIGRATIONS, KafkaSettings, Kernel, Transaction, ensure_topics, open_kernel
from shared.postgres import migrate

SIZES = (1, 10, 50, 200, 1000)
STATEMENTS = 5000
FEWEST, MOST = 300, 20_000
SETTLE_SECONDS = 3.0
TOPIC = "scheduling.openings"


@dataclass(slots=True)
class Floor:
    """A kernel of one reader with its servers, and how many events have still to reach the reader."""

    kernel: Kernel
    pids: dict[str, Callable[[], list[int]]]
    awaited: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def count(self, events: int) -> None:
        self.awaited -= events
        if self.awaited <= 0:
            self.arrived.set()

    def snapshot(self) -> dict[str, usage.Usage]:
        return {name: usage.of(pids()) for name, pids in self.pids.items()}


async def measure() -> dict[str, Any]:
    """Per event, in microseconds of CPU by part, for transactions of several sizes; and for one small statement."""
    async with _floor() as floor:
        statement = await _statements(floor)
        return {"statement_us": statement, "events": [await _events(floor, size) for size in SIZES]}


async def _statements(floor: Floor) -> dict[str, float]:
    before = floor.snapshot()
    async with floor.kernel.database.pool.acquire() as connection:
        for _ in range(STATEMENTS):
            await connection.fetchval("SELECT 1")
    return usage.microseconds_each(usage.between(before, floor.snapshot()), STATEMENTS)


async def _events(floor: Floor, size: int) -> dict[str, Any]:
    count = max(FEWEST, min(MOST, size * 100)) // size * size
    floor.awaited, before, began = count, floor.snapshot(), time.perf_counter()
    floor.arrived.clear()
    for _ in range(count // size):
        async with floor.kernel.database.transaction() as tx:
            tx.emit(_event(tx) for _ in range(size))
    await floor.arrived.wait()
    seconds = time.perf_counter() - began
    cost = usage.microseconds_each(usage.between(before, floor.snapshot()), count)
    return {"a_transaction": size, "events": count, "events_per_second": round(count / seconds), "us": cost}


def _event(tx: Transaction) -> SlotNotFound:
    return SlotNotFound(
        case_id=tx.new_id(),
        match_id=tx.new_id(),
        attempt=1,
        lane="online",
        reason="no_hour",
        sought_at=tx.now,
    )


@asynccontextmanager
async def _floor() -> AsyncIterator[Floor]:
    with tempfile.TemporaryDirectory(prefix="hq-bench-") as folder:
        server = await postgres.start(Path(folder) / "postgres", free_port())
        broker = await kafka.start(Path(folder) / "kafka", free_port(), free_port())
        try:
            await databases.prepare(server.dsn("postgres"), "floor")
            async with _kernel(server.dsn("floor", "scheduling"), broker.bootstrap) as floor:
                floor.pids |= {"postgres": lambda: usage.family(server.pid), "kafka": lambda: [broker.pid]}
                yield floor
        finally:
            await broker.stop()
            await server.stop()


@asynccontextmanager
async def _kernel(dsn: str, bootstrap: str) -> AsyncIterator[Floor]:
    await migrate(dsn, schema="scheduling", folders=[MIGRATIONS])
    settings = KafkaSettings(bootstrap)
    topics = tuple(topic for topic in TOPICS if topic.name == TOPIC)
    await ensure_topics(settings, topics)
    kernel = await open_kernel(
        dsn, schema="scheduling", role="bench", pool_size=5, kafka=settings, topics=topics
    )
    floor, stop = Floor(kernel, {"python": lambda: [os.getpid()]}), asyncio.Event()

    async def read(events: Sequence[SlotNotFound], _tx: Transaction) -> None:
        floor.count(len(events))

    kernel.consumer("bench", [TOPIC], {SlotNotFound: read})
    kernel.relay("routine")
    loops = [asyncio.create_task(loop.run(stop)) for loop in kernel.loops]
    await asyncio.sleep(SETTLE_SECONDS)
    try:
        yield floor
    finally:
        stop.set()
        await asyncio.gather(*loops)
        await kernel.close()
