"""A topic widened as the runbook says: drained first, then widened, then readers, then producers; order holds throughout."""

from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from shared.contracts.base import Topic
from shared.messaging import KafkaSettings, ensure_topics
from shared.messaging.kafka import WrongTopic
from shared.messaging.outbox import partition_of
from tests.shared.messaging.notes import opened
from tests.shared.messaging.test_reading import Bench, bench, written
from tests.waiting import running, until

pytestmark = pytest.mark.kafka

PAGES = [f"page-{number}" for number in range(24)]


async def widen(kafka: KafkaSettings, name: str, partitions: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    await admin.start()
    try:
        await admin.create_partitions({name: NewPartitions(partitions)})
    finally:
        await admin.close()


async def refuses(kafka: KafkaSettings, row: Topic) -> bool:
    """A start with this row; what was widened is seen a moment later."""
    try:
        await ensure_topics(kafka, (row,))
    except WrongTopic:
        return True
    return False


async def test_keys_that_move_to_another_partition_stay_in_order(database: Any, kafka_server: Any) -> None:
    async with bench(database, kafka_server) as it:
        it.relay()
        it.consumer()
        narrow = it.topic
        await it.say(*(note for page in PAGES for note in written(page, 1, 2)))
        await it.applied_are({page: [1, 2] for page in PAGES})
    kafka = KafkaSettings(kafka_server.bootstrap)
    wide = narrow.model_copy(update={"partitions": 7})
    assert any(partition_of(page, 3) != partition_of(page, 7) for page in PAGES)
    async with opened(database.dsn("matching")) as accepting:  # people ask while nothing is relayed
        await Bench(accepting, kafka, narrow).say(*(note for page in PAGES for note in written(page, 3)))
        await widen(kafka, narrow.name, wide.partitions)
        await until(lambda: refuses(kafka, narrow), "a start with the old number of partitions is refused")
    await ensure_topics(kafka, (wide,))
    async with opened(database.dsn("matching")) as db:
        it = Bench(db, kafka, wide)
        async with running(it.stop) as it.tasks:
            it.consumer()
            it.relay()
            await it.say(*(note for page in PAGES for note in written(page, 4, 5)))
            await it.applied_are({page: [1, 2, 3, 4, 5] for page in PAGES})
            stored = await applied_partitions(it)
    assert len(stored) == 7


async def applied_partitions(it: Bench) -> set[int]:
    rows = await it.database.pool.fetch("SELECT partition FROM offsets WHERE topic = $1", it.topic.name)
    return {row["partition"] for row in rows}
