"""What stands still is kept as rows until it goes on, whoever goes on with it; how long events wait for a fact is counted."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from shared.messaging import Consumer, Transaction
from shared.messaging.standstill import Standstill
from tests.shared.messaging import notes
from tests.shared.messaging.notes import NoteStruck, NoteWritten, opened
from tests.shared.messaging.test_reading import Bench, bench, written
from tests.waiting import until

KEPT = "SELECT topic, partition, why FROM halts WHERE grp = 'tests' ORDER BY 2"


async def kept(it: Bench) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await it.database.pool.fetch(KEPT)]


def watched(it: Bench, *consumers: Consumer) -> Standstill:
    loop = Standstill(it.database, consumers)
    it.tasks.append(asyncio.create_task(loop.run(it.stop)))
    return loop


@pytest.mark.kafka
async def test_a_partition_that_stopped_is_kept_until_it_is_read_again(
    database: Any, kafka_server: Any
) -> None:
    async with bench(database, kafka_server) as it:
        await it.database.pool.execute(
            "INSERT INTO offsets (grp, topic, partition, next) VALUES ('tests', $1, 1, 500)", it.topic.name
        )
        consumer = it.consumer()
        watched(it, consumer)
        await until(lambda: kept(it), "it is kept", every=0.1)
        assert await kept(it) == [(it.topic.name, 1, "stored offset is outside the log")]
        since = await it.database.pool.fetchval("SELECT since FROM halts")
        await asyncio.sleep(2.5)  # another look
        assert await it.database.pool.fetchval("SELECT since FROM halts") == since
        await it.database.pool.execute("UPDATE offsets SET next = 0 WHERE partition = 1")
        consumer.forget()

        async def gone() -> bool:
            return await kept(it) == []

        await until(gone, "it goes on", every=0.1)


@pytest.mark.kafka
async def test_of_a_consumer_that_stopped_itself_all_is_kept_until_it_goes_on(
    database: Any, kafka_server: Any
) -> None:
    async with bench(database, kafka_server) as it:
        healthy = False

        async def broken(events: Sequence[NoteWritten], tx: Transaction) -> None:
            if not healthy:
                raise KeyError
            await notes.record_notes(events, tx)

        await it.say(*written("a", 1), *written("b", 1), *written("c", 1), *written("d", 1))
        it.relay()
        consumer = it.consumer({NoteWritten: broken})
        loop = watched(it, consumer)
        await until(lambda: consumer.stopped, "it has stopped itself")
        await loop.look()
        assert await kept(it) == [(it.topic.name, number, consumer.stopped) for number in range(3)]
        assert "twice in one batch" in str(consumer.stopped)
        healthy = True
        consumer.resume()

        async def gone() -> bool:
            return await kept(it) == []

        await until(gone, "it goes on", every=0.1)


@pytest.mark.kafka
async def test_what_a_process_leaves_behind_is_forgotten_by_whoever_goes_on_with_it(
    database: Any, kafka_server: Any
) -> None:
    async with bench(database, kafka_server) as it:
        await it.database.pool.execute(
            "INSERT INTO halts (grp, topic, partition, why) VALUES ('tests', $1, 2, 'x'), ('others', $1, 2, 'x')",
            it.topic.name,
        )
        watched(it, it.consumer())

        async def gone() -> bool:
            return await kept(it) == []

        await until(gone, "somebody reads it", every=0.1)
        assert await it.database.pool.fetchval("SELECT grp FROM halts") == "others"


async def test_how_long_the_oldest_event_waits_for_a_fact_is_counted(database: Any) -> None:
    async with opened(database.dsn("matching")) as db:
        loop = Standstill(db, [])
        await loop.look()
        assert loop.metrics() == {"waiting_oldest_seconds": 0.0}
        async with db.transaction() as tx:
            await tx.wait_for([(NoteStruck(page="a", number=number), "page:a") for number in (1, 2)])
        await db.pool.execute("UPDATE waiting SET since = since - interval '10 minutes'")
        await loop.look()
        assert 600 <= loop.metrics()["waiting_oldest_seconds"] < 660
        await db.pool.execute("DELETE FROM waiting")
        await loop.look()
        assert loop.metrics() == {"waiting_oldest_seconds": 0.0}
