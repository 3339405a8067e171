"""Records that nobody meant: the same ones again, in order, as a relay or a mirror may send them; and what is no event."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from shared.contracts.topics import TOPICS, partner_topic
from tests.faults.deeds.letters import open_letters, settle_letters
from tests.faults.schedule import Fault
from tests.faults.system import System, everywhere

PARTITIONS = {topic.name: topic.partitions for topic in (*TOPICS, partner_topic("rehmat-hospital"))}
STRETCH = 200  # records of each partition that come again
JUNK_KEY = b"junk"
LETTERS_WITHIN = 30.0
READERS = "SELECT DISTINCT '{schema}' AS schema, grp FROM {schema}.offsets WHERE topic = 'TOPIC'"


@asynccontextmanager
async def repeated(system: System, fault: Fault) -> AsyncIterator[None]:
    """The last stretch of every partition of a topic comes again, behind what has come since; junk does not: its dead
    letters were let go by whoever sent it."""
    async with (
        AIOKafkaConsumer(bootstrap_servers=system.addresses["kafka"], enable_auto_commit=False) as consumer,
        AIOKafkaProducer(bootstrap_servers=system.addresses["kafka"], acks="all") as producer,
    ):
        for record in await _last(consumer, fault.whom):
            if record.key == JUNK_KEY:
                continue
            await producer.send(
                fault.whom,
                key=record.key,
                value=record.value,
                headers=list(record.headers),
                partition=record.partition,
            )
        await producer.flush()
    yield


async def _last(consumer: AIOKafkaConsumer, topic: str) -> list[Any]:
    places = [TopicPartition(topic, number) for number in range(PARTITIONS[topic])]
    begins = await consumer.beginning_offsets(places)
    ends = {place: end for place, end in (await consumer.end_offsets(places)).items() if end > begins[place]}
    consumer.assign(list(ends))
    for place, end in ends.items():
        consumer.seek(place, max(begins[place], end - STRETCH))
    found: list[Any] = []
    left = set(ends)
    while left:
        for place, records in (await consumer.getmany(timeout_ms=500)).items():
            found += [record for record in records if record.offset < ends[place]]
            if records[-1].offset + 1 >= ends[place]:
                left.discard(place)
    return found


@asynccontextmanager
async def junk(system: System, fault: Fault) -> AsyncIterator[None]:
    """A record without any of our headers among the others: everybody who reads the topic has a dead letter of it, and
    goes on. An operator lets them go."""
    async with AIOKafkaProducer(bootstrap_servers=system.addresses["kafka"], acks="all") as producer:
        await producer.send_and_wait(fault.whom, key=JUNK_KEY, value=b"{")
    yield
    async with system.admin() as connection:
        readers = await everywhere(connection, "offsets", READERS.replace("TOPIC", fault.whom))
    until = time.monotonic() + LETTERS_WITHIN
    while len(await open_letters(system)) < len(readers) and time.monotonic() < until:
        await asyncio.sleep(0.2)
    await settle_letters(system, "*", "discard")
