"""The broker as an operator sees it: ends of logs, single records, all events of one key."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from services.console.domain.journey import Step, trace_id
from shared.contracts.base import Topic
from shared.messaging import KafkaSettings, ensure_topics
from shared.messaging.envelope import Malformed, read, sequence_of
from shared.messaging.kafka import WrongTopic
from shared.messaging.outbox import partition_of
from shared.settings import BrokerSettings

Place = tuple[str, int]

__all__ = [
    "BrokerAway", "WrongTopic", "ends_before", "events_of", "last_sequences", "log_ends", "make_topics", "times_at",
]  # fmt: skip


class BrokerAway(OSError):
    """The broker does not answer."""


@asynccontextmanager
async def _reader(broker: BrokerSettings) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer outside every group: it moves nobody's offsets. Raises BrokerAway."""
    consumer = AIOKafkaConsumer(
        client_id="console",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        **KafkaSettings.of(broker).common(),
    )
    try:
        await consumer.start()
        yield consumer
    except KafkaError as failure:
        raise BrokerAway(f"the broker cannot be asked: {type(failure).__name__}") from failure
    finally:
        await consumer.stop()


async def make_topics(broker: BrokerSettings, table: tuple[Topic, ...], replication: int) -> list[str]:
    """Creates what is missing and returns its names. Raises WrongTopic where a topic has other partitions."""
    try:
        return await ensure_topics(KafkaSettings.of(broker, replication=replication), table)
    except KafkaError as failure:
        raise BrokerAway(f"the broker cannot be asked: {type(failure).__name__}") from failure


async def log_ends(broker: BrokerSettings, places: Iterable[Place]) -> dict[Place, int]:
    """The offset after the last record of each partition."""
    wanted = [TopicPartition(*place) for place in sorted(set(places))]
    if not wanted:
        return {}
    async with _reader(broker) as consumer:
        ends = await consumer.end_offsets(wanted)
    return {(place.topic, place.partition): offset for place, offset in ends.items()}


async def times_at(
    broker: BrokerSettings, places: Sequence[tuple[str, int, int]]
) -> dict[tuple[str, int, int], float]:
    """The Unix time of the first record at or after each (topic, partition, offset), where there is one."""
    if not places:
        return {}
    wanted = {TopicPartition(topic, partition): offset for topic, partition, offset in places}
    found: dict[tuple[str, int, int], float] = {}
    async with _reader(broker) as consumer:
        for place, offset in wanted.items():
            consumer.assign([place])
            consumer.seek(place, offset)
            for records in (await consumer.getmany(place, timeout_ms=1000, max_records=1)).values():
                found[place.topic, place.partition, offset] = records[0].timestamp / 1000
    return found


async def ends_before(
    broker: BrokerSettings, places: Iterable[Place], before: datetime, seconds: float
) -> dict[Place, tuple[int, int]] | None:
    """Of each partition the offset after what was said before this moment, and the end; None where the broker has not
    answered within so many seconds. It asks for offsets alone: no right to read is needed."""
    wanted = [TopicPartition(*place) for place in sorted(set(places))]
    moment = int(before.timestamp() * 1000)
    try:
        async with asyncio.timeout(seconds), _reader(broker) as consumer:
            ends = await consumer.end_offsets(wanted)
            first = await consumer.offsets_for_times(dict.fromkeys(wanted, moment))
    except (BrokerAway, TimeoutError):
        return None
    return {
        (place.topic, place.partition): (found.offset if found else ends[place], ends[place])
        for place, found in first.items()
    }


async def events_of(
    broker: BrokerSettings, topics: Mapping[str, int], key: str, since: datetime
) -> list[Step]:
    """Every event with this key on these topics (name to number of partitions) from that moment on."""
    places = [TopicPartition(topic, partition_of(key, count)) for topic, count in topics.items()]
    async with _reader(broker) as consumer:
        ends = await consumer.end_offsets(places)
        first = await consumer.offsets_for_times(dict.fromkeys(places, int(since.timestamp() * 1000)))
        starts = {place: found.offset for place, found in first.items() if found is not None}
        consumer.assign(list(starts))
        for place, offset in starts.items():
            consumer.seek(place, offset)
        return [step async for step in _steps(consumer, starts, ends, key.encode())]


async def last_sequences(
    broker: BrokerSettings, topics: Iterable[Topic]
) -> AsyncIterator[dict[tuple[str, str], int]]:
    """Batch by batch the highest sequence per (topic, key) of everything on these topics; what is no event of ours has none."""
    async with _reader(broker) as consumer:
        there = await consumer.topics()
        told = [topic for topic in topics if topic.name in there]
        places = [TopicPartition(topic.name, number) for topic in told for number in range(topic.partitions)]
        ends = await consumer.end_offsets(places)
        starts = await consumer.beginning_offsets(places)
        consumer.assign(places)
        for place, offset in starts.items():
            consumer.seek(place, offset)
        async for batch in _batches(consumer, starts, ends):
            last: dict[tuple[str, str], int] = {}
            for record in batch:
                if sequence := sequence_of(record.headers):
                    stream = (record.topic, record.key.decode())
                    last[stream] = max(sequence, last.get(stream, 0))
            yield last


async def _steps(
    consumer: AIOKafkaConsumer,
    starts: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
    key: bytes,
) -> AsyncIterator[Step]:
    async for batch in _batches(consumer, starts, ends):
        for record in batch:
            if record.key == key:
                yield _step(record)


async def _batches(
    consumer: AIOKafkaConsumer, starts: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
) -> AsyncIterator[list[Any]]:
    """Records of one partition at a time, up to where each ended; a compacted log may have nothing at its end."""
    left = {place for place, offset in starts.items() if offset < ends[place]}
    while left:
        for records in (await consumer.getmany(*left, timeout_ms=500)).values():
            yield records
        for place in list(left):
            if await consumer.position(place) >= ends[place]:
                left.discard(place)


def _step(record: Any) -> Step:
    where = f"{record.topic}/{record.partition}@{record.offset}"
    try:
        envelope = read(record.headers, record.key, record.value)
    except Malformed as problem:
        at = datetime.fromtimestamp(record.timestamp / 1000).astimezone()
        return Step(at, record.topic, "malformed", f"{problem}, {where}", None, None)
    what = envelope.type.split(".", 1)[-1]
    return Step(
        envelope.time,
        record.topic,
        what,
        f"#{envelope.sequence} {where}",
        None,
        trace_id(envelope.traceparent),
    )
