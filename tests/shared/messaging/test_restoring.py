"""A database restored from a backup: what it had applied since comes again from Kafka, by itself, once and in order."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from deploy.local import databases
from shared.contracts.base import Topic
from shared.messaging import KafkaSettings, ensure_topics
from tests.shared.messaging.notes import NoteStruck, NoteWritten, opened, topic
from tests.shared.messaging.test_reading import Bench, written
from tests.stack_fixtures import FreshDatabase
from tests.waiting import running, until

pytestmark = pytest.mark.kafka


@asynccontextmanager
async def serving(database: FreshDatabase, kafka: KafkaSettings, where: Topic) -> AsyncIterator[Bench]:
    """The processes of a service on this database; nobody is connected any more when left."""
    async with opened(database.dsn("matching")) as db:
        it = Bench(db, kafka, where)
        async with running(it.stop) as it.tasks:
            it.relay()
            it.consumer()
            yield it


async def backup(database: FreshDatabase, name: str) -> FreshDatabase:
    """A copy as it is now."""
    admin = database.server.dsn("postgres")
    async with asyncio.timeout(30):  # until the last session has ended
        while True:
            try:
                await databases.create_from_template(admin, name, database.name)
                return FreshDatabase(database.server, name)
            except Exception as busy:
                if "being accessed" not in str(busy):
                    raise
                await asyncio.sleep(0.1)


async def test_a_restored_database_applies_again_what_it_has_lost_and_nothing_else(
    database: FreshDatabase, kafka_server: Any
) -> None:
    kafka, where = KafkaSettings(kafka_server.bootstrap), topic(f"tests.restore.{uuid.uuid4().hex[:8]}")
    await ensure_topics(kafka, (where,))
    NoteWritten.topic = NoteStruck.topic = where.name
    async with serving(database, kafka, where) as it:
        await it.say(*(note for page in "abc" for note in written(page, 1, 2)))
        await it.applied_are({page: [1, 2] for page in "abc"})
        sent = "SELECT count(*) = 0 FROM outbox"
        await until(lambda: it.database.pool.fetchval(sent), "all is sent")
    restored = await backup(database, f"{database.name}_backup")
    try:
        async with serving(database, kafka, where) as it:
            await it.say(*(note for page in "ab" for note in written(page, 3, 4)))
            await it.applied_are({"a": [1, 2, 3, 4], "b": [1, 2, 3, 4], "c": [1, 2]})
        async with serving(restored, kafka, where) as it:
            await it.applied_are({"a": [1, 2, 3, 4], "b": [1, 2, 3, 4], "c": [1, 2]})
            await it.say(*written("c", 3))
            await it.applied_are({"a": [1, 2, 3, 4], "b": [1, 2, 3, 4], "c": [1, 2, 3]})
    finally:
        await databases.drop(database.server.dsn("postgres"), restored.name)
