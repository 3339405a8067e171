"""aiokafka alone: one loop that reads from one topic and says as much in another, with our clients' settings.

Messages are as large as ours: a match is read, an appointment is said, with key and headers. A round takes at most so many messages, sends one
batch for each partition as our relay does, and waits for every acknowledgement before the next: no outbox, no inbox, nothing is
done about them.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from benchmarks import usage
from deploy.local import kafka as broker
from deploy.local.ports import free_port
from shared.contracts.base import Event
from shared.contracts.examples import EXAMPLES
from shared.contracts.matching import MatchMade
from shared.contracts.scheduling import AppointmentBooked
from shared.contracts.topics import TOPICS
from shared.messaging import KafkaSettings, ensure_topics, kafka
from shared.messaging.envelope import to_headers
from shared.telemetry import new_traceparent

ROUNDS = {1: 1500, 10: 500, 50: 400, 500: 60}  # messages a round, and how many of these
FILLED_AT_ONCE, START_SECONDS, WAIT_MS = 500, 20.0, 1000

Record = dict[str, Any]


@dataclass(slots=True)
class Copying:
    """Both clients, and how far the reader has come. `pid` is the broker's."""

    consumer: AIOKafkaConsumer
    producer: AIOKafkaProducer
    pid: int

    def used(self) -> dict[str, usage.Usage]:
        return {"python": usage.own(), "kafka": usage.of([self.pid])}

    async def fill(self, count: int) -> None:
        """So many matches wait to be read."""
        record = example(MatchMade)
        for begin in range(0, count, FILLED_AT_ONCE):
            await self.say(MatchMade.topic, [record] * min(FILLED_AT_ONCE, count - begin))

    async def say(self, topic: str, records: Sequence[Record]) -> None:
        """All of these, spread over the topic's partitions; returns when every one is acknowledged."""
        places = partitions(topic)
        queues = [(place, records[place :: len(places)]) for place in range(len(places))]
        await asyncio.gather(*(self._send(topic, place, queue) for place, queue in queues if queue))

    async def _send(self, topic: str, place: int, queue: Sequence[Record]) -> None:
        batch = self.producer.create_batch()
        for record in queue:
            batch.append(**record)
        await (await self.producer.send_batch(batch, topic, partition=place))


async def measure(folder: Path) -> list[dict[str, Any]]:
    """By messages a round: messages a second, and CPU in microseconds of Python and Kafka for each that was read and said. The broker has
    the stack's settings; its data lie in `folder`."""
    async with _copying(folder) as copying:
        return [await _copied(copying, size, size * ROUNDS[size]) for size in ROUNDS]


async def _copied(copying: Copying, size: int, count: int) -> dict[str, Any]:
    await copying.fill(count)
    record, before, began = example(AppointmentBooked), copying.used(), time.perf_counter()
    copied = 0
    while copied < count:
        fetched = await copying.consumer.getmany(timeout_ms=WAIT_MS, max_records=size)
        said = [record | {"key": one.key} for queue in fetched.values() for one in queue]
        await copying.say(AppointmentBooked.topic, said)
        copied += len(said)
    took = time.perf_counter() - began
    return {
        "a_round": size,
        "messages_per_second": round(copied / took),
        "us": usage.microseconds_each(usage.between(before, copying.used()), copied),
    }


def example(event: type[Event]) -> Record:
    """What a relay would send, as `append` of a producer's batch takes it."""
    one, now = EXAMPLES[event.type_name], datetime.now(UTC)
    row = {
        "event_id": uuid4(),
        "type": event.type_name,
        "at": now,
        "key": one.key,
        "sequence": 1,
        "traceparent": new_traceparent(False),
    }
    return {
        "key": one.key.encode(),
        "value": one.model_dump_json().encode(),
        "timestamp": int(now.timestamp() * 1000),
        "headers": to_headers("bare", row),
    }


def length(record: Record) -> int:
    """Bytes of key, value and headers."""
    headers = sum(len(name) + len(text) for name, text in record["headers"])
    return len(record["key"]) + len(record["value"]) + headers


def partitions(topic: str) -> list[TopicPartition]:
    """As many as the topic has in the table."""
    [count] = [one.partitions for one in TOPICS if one.name == topic]
    return [TopicPartition(topic, place) for place in range(count)]


@asynccontextmanager
async def _copying(folder: Path) -> AsyncIterator[Copying]:
    server = await broker.start(folder / "kafka", free_port(), free_port())
    try:
        settings, names = KafkaSettings(server.bootstrap), (MatchMade.topic, AppointmentBooked.topic)
        await ensure_topics(settings, tuple(one for one in TOPICS if one.name in names))
        producer = await kafka.started(kafka.producer(settings, "bare"), START_SECONDS)
        consumer = await kafka.started(kafka.consumer(settings, "bare", "bare"), START_SECONDS)
        consumer.assign(partitions(MatchMade.topic))
        await consumer.seek_to_beginning()
        try:
            yield Copying(consumer, producer, server.pid)
        finally:
            await asyncio.gather(kafka.close(consumer), kafka.close(producer))
    finally:
        await server.stop()
