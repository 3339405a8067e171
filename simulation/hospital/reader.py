"""Reads the hospital's topic from the beginning, as any outside system would: no group, its own offsets."""

import asyncio
import logging

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from simulation.gateways.books import Books
from simulation.hospital.ledger import Ledger, as_lines
from simulation.hospital.settings import HospitalSettings

log = logging.getLogger(__name__)


async def read(settings: HospitalSettings, books: Books[Ledger], stop: asyncio.Event) -> None:
    """Until told to stop; a broker or topic that is not there yet is waited for."""
    while not stop.is_set():
        try:
            await _follow(settings, books, stop)
        except (KafkaError, OSError, TimeoutError) as failure:
            log.warning("reading again: %s", type(failure).__name__)
            await asyncio.sleep(0.5)


async def _follow(settings: HospitalSettings, books: Books[Ledger], stop: asyncio.Event) -> None:
    consumer = AIOKafkaConsumer(
        settings.topic,
        bootstrap_servers=settings.kafka_bootstrap_servers,
        client_id="rehmat-hospital",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        metadata_max_age_ms=10_000,
    )
    await consumer.start()
    try:
        await _go_on(consumer, books)
        while not stop.is_set():
            fetched = await consumer.getmany(timeout_ms=200, max_records=1000)
            for records in fetched.values():
                await books.enter(as_lines(records))
    finally:
        await asyncio.wait_for(consumer.stop(), 5)


async def _go_on(consumer: AIOKafkaConsumer, books: Books[Ledger]) -> None:
    """Each partition from where the books end; what was fetched before the seek is dropped by the client."""
    places: set[TopicPartition] = consumer.assignment()
    if not places:
        raise TimeoutError("the topic is not there yet")
    for place in sorted(places):
        consumer.seek(place, books.ledger.offsets.get(place.partition, 0))
