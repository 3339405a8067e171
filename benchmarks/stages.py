"""What waits at each stage: rows in outboxes, events that a reader has not read, messages that may go now."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.console.repository import queues

LOOK_SECONDS = 0.25
DUE = """
SELECT count(*) FROM notifications.messages
WHERE state IN ('planned', 'sending') AND (next_at <= clock_timestamp() OR state = 'sending')
"""


@dataclass(slots=True)
class Stages:
    """Looks from outside every group; a look costs five small questions to the database and one to the broker."""

    connection: asyncpg.Connection
    consumer: AIOKafkaConsumer

    async def look(self) -> dict[str, int]:
        """Events or messages that wait, by stage: `read <group>`, `outbox <service>`, `send`."""
        stored = await queues.stored_offsets(self.connection)
        ends = await self.consumer.end_offsets([TopicPartition(one.topic, one.partition) for one in stored])
        waiting = Counter[str]()
        for one in stored:
            end = ends[TopicPartition(one.topic, one.partition)]
            waiting[f"read {one.service} {one.group}"] += end - one.next
        for row in await queues.outboxes(self.connection):
            waiting[f"outbox {row['service']}"] += row["rows"]
        waiting["send"] = await self.connection.fetchval(DUE)
        return dict(waiting)

    async def calm(self, seconds: float, *, most: int = 0, still: str = "") -> float:
        """Returns when no more than `most` waits at any stage but `still`, at the latest after so many seconds: how many it took."""
        began = time.monotonic()
        while time.monotonic() < began + seconds:
            waiting = await self.look()
            if not any(number > most for name, number in waiting.items() if name != still):
                break
            await asyncio.sleep(LOOK_SECONDS)
        return time.monotonic() - began

    async def down_to(self, most: int, stage: str) -> tuple[float, int]:
        """When no more than that waits at that stage, on the monotonic clock, and how much it was. It waits for as long as it takes."""
        while (waiting := (await self.look())[stage]) > most:  # noqa: ASYNC110 - others work it off
            await asyncio.sleep(LOOK_SECONDS)
        return time.monotonic(), waiting


@asynccontextmanager
async def watched(database: str, broker: str) -> AsyncIterator[Stages]:
    """Through the admin's DSN and the broker's host:port."""
    consumer = AIOKafkaConsumer(bootstrap_servers=broker, client_id="benchmark")
    await consumer.start()
    try:
        connection = await asyncpg.connect(database)
        try:
            yield Stages(connection, consumer)
        finally:
            await connection.close()
    finally:
        await consumer.stop()
