"""The broker is away while a backlog grows: when it is back, an alarm does not wait behind it, and all of it is sent."""

import asyncio
import logging
import os
import time
import uuid
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local import kafka
from deploy.local.kafka import KafkaServer
from deploy.local.ports import free_port
from shared.contracts.base import Lane, Topic
from shared.messaging import Database, KafkaSettings, Relay, ensure_topics
from shared.messaging.wakes import Wakes
from tests.shared.messaging.notes import ROLE, NoteStruck, NoteWritten, opened, topic
from tests.stack_fixtures import FreshDatabase
from tests.waiting import running, until

pytestmark = pytest.mark.kafka

# The suite's backlog is small; a larger one tells how long an alarm takes (docs/reliability.md).
BACKLOG, AT_ONCE = int(os.environ.get("BACKLOG", "20000")), 2_000
log = logging.getLogger(__name__)
LEFT = "SELECT count(*) FROM outbox WHERE lane = $1"


def relay(database: Database, settings: KafkaSettings, lane: Lane, topics: dict[str, Topic]) -> Relay:
    return Relay(
        database,
        settings,
        lane=lane,
        partitions_of=lambda name: topics[name].partitions,
        wakes=Wakes(database.dsn, schema=ROLE),
    )


async def say(database: Database, notes: int) -> None:
    """So many, about as many pages."""
    for first in range(0, notes, AT_ONCE):
        async with database.transaction() as tx:
            tx.emit(NoteWritten(page=f"page-{first + n}", number=1) for n in range(AT_ONCE))


async def on_log(settings: KafkaSettings, where: Topic) -> int:
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.bootstrap_servers)
    await consumer.start()
    try:
        ends = await consumer.end_offsets([TopicPartition(where.name, n) for n in range(where.partitions)])
    finally:
        await consumer.stop()
    return sum(ends.values())


async def test_an_alarm_does_not_wait_behind_what_gathered_while_the_broker_was_away(
    database: FreshDatabase, stack_folder: Path
) -> None:
    folder, ports = stack_folder / "kafka-backlog", (free_port(), free_port())
    server: KafkaServer = await kafka.start(folder, *ports)
    settings, name = KafkaSettings(server.bootstrap), uuid.uuid4().hex[:8]
    routine, bells = topic(f"tests.pages.{name}"), topic(f"tests.bells.{name}", lane="crisis")
    topics = {one.name: one for one in (routine, bells)}
    NoteWritten.topic, NoteStruck.topic = routine.name, bells.name
    await ensure_topics(settings, (routine, bells))
    stop = asyncio.Event()
    try:
        async with opened(database.dsn("matching")) as db, running(stop) as tasks:
            db.lane_of = lambda destination: topics[destination].lane
            tasks += [
                asyncio.create_task(relay(db, settings, lane, topics).run(stop))
                for lane in ("routine", "crisis")
            ]
            await say(db, AT_ONCE)
            await until(lambda: nothing_left(db), "what was said before is sent")
            await server.stop()
            await say(db, BACKLOG)
            async with db.transaction() as tx:
                tx.emit([NoteStruck(page="bell", number=1)])
            assert await db.pool.fetchval(LEFT, "crisis") == 1
            server = await kafka.start(folder, *ports)
            back = time.monotonic()
            await until(lambda: is_sent(db, "crisis"), "the alarm is sent", every=0.005)
            log.info("the alarm is sent after %.0f ms", 1000 * (time.monotonic() - back))
            waiting = await db.pool.fetchval(LEFT, "routine")
            assert waiting > BACKLOG / 2
            await until(lambda: nothing_left(db), "everything is sent")
            log.info("%d events are sent after %.1f s", BACKLOG, time.monotonic() - back)
        assert await on_log(settings, bells) == 1
        assert await on_log(settings, routine) >= BACKLOG + AT_ONCE  # a batch without an answer is sent again
    finally:
        await server.stop()


async def is_sent(database: Database, lane: Lane) -> bool:
    return await database.pool.fetchval(LEFT, lane) == 0


async def nothing_left(database: Database) -> bool:
    return await is_sent(database, "routine") and await is_sent(database, "crisis")
