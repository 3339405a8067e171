"""What waits at each stage: rows in outboxes, events that a reader has not read, messages that may go now."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from simulation.evidence import kernel

OFFSETS = "SELECT '{schema}' AS service, grp, topic, partition, next FROM {schema}.offsets"
OUTBOXES = "SELECT '{schema}' AS service, count(*) AS rows FROM {schema}.outbox"
DUE = """
SELECT count(*) FROM notifications.messages
WHERE state IN ('planned', 'sending') AND (next_at <= clock_timestamp() OR state = 'sending')
"""


@dataclass(slots=True)
class Stages:
    """Looks from outside every group; a look costs seven small questions to the database and one to the broker."""

    connection: asyncpg.Connection
    consumer: AIOKafkaConsumer

    async def look(self) -> dict[str, int]:
        """Events or messages that wait, by stage: `read <group>`, `outbox <service>`, `send`."""
        rows = await self.connection.fetch(kernel.everywhere(OFFSETS))
        ends = await self.consumer.end_offsets(
            [TopicPartition(row["topic"], row["partition"]) for row in rows]
        )
        waiting = Counter[str]()
        for row in rows:
            end = ends[TopicPartition(row["topic"], row["partition"])]
            waiting[f"read {row['service']} {row['grp']}"] += end - row["next"]
        for row in await self.connection.fetch(kernel.everywhere(OUTBOXES)):
            waiting[f"outbox {row['service']}"] += row["rows"]
        waiting["send"] = await self.connection.fetchval(DUE)
        return dict(waiting)


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
