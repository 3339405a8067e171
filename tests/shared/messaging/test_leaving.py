"""Kafka away or frozen: loops leave in time all the same, and nothing of a client that failed stays behind."""

import asyncio
import gc
import signal
import warnings
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy.local.ports import free_port
from shared.messaging import KafkaSettings
from tests.shared.messaging.notes import opened, topic
from tests.shared.messaging.test_reading import Bench, bench, written
from tests.waiting import ended, place, until

LEAVE_SECONDS = 30.0  # they have five; the rest is for a slow machine


async def serves(bootstrap: str) -> bool:
    """Whether the broker is known again: the controller takes one that was silent for long out of the cluster."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        return bool((await admin.describe_cluster())["brokers"])
    except KafkaError:
        return False
    finally:
        await admin.close()


async def test_loops_leave_while_the_broker_is_frozen(database: Any, kafka_server: Any) -> None:
    before = asyncio.all_tasks()
    async with bench(database, kafka_server) as it:
        await it.say(*written("a", 1))
        relay = it.relay()
        it.consumer()
        await it.applied_are({"a": [1]})
        kafka_server.kill(signal.SIGSTOP)
        try:
            await it.say(*written("a", 2))
            await until(
                lambda: relay.metrics()["outbox_oldest_seconds"] > 0, "a row that waits for the broker"
            )
            it.stop.set()
            await ended(it.tasks, LEAVE_SECONDS)
        finally:
            kafka_server.kill(signal.SIGCONT)

    def left() -> list[str]:
        return [place(task) for task in asyncio.all_tasks() - before]

    await until(lambda: not left(), "every task of the clients has ended", seconds=LEAVE_SECONDS, last=left)
    await until(lambda: serves(kafka_server.bootstrap), "the broker serves those who come after")


async def test_a_broker_that_is_away_leaves_no_client_behind_at_every_try(database: Any) -> None:
    away = KafkaSettings(f"127.0.0.1:{free_port()}")
    with warnings.catch_warnings(record=True) as left:
        warnings.simplefilter("always", ResourceWarning)
        async with opened(database.dsn("matching")) as db:
            it = Bench(db, away, topic("tests.notes.away"))
            relay, consumer = it.relay(), it.consumer()
            try:
                await it.say(*written("a", 1))
                await until(lambda: relay.ready() == consumer.ready() == "kafka", "both wait for Kafka")
            finally:
                it.stop.set()
                await ended(it.tasks, LEAVE_SECONDS)
        gc.collect()
    assert [str(one.message) for one in left] == []
