"""What operators ask reaches the process it concerns, whichever process has taken the request."""

import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from shared.messaging import Transaction
from tests.shared.messaging import notes
from tests.shared.messaging.notes import NoteWritten
from tests.shared.messaging.test_reading import Bench, bench, written
from tests.waiting import until

pytestmark = pytest.mark.kafka

ASK = """
INSERT INTO operator_requests (id, grp, action, target, requested_by, requested_at)
VALUES ($1, 'tests', $2, $3, 'me', clock_timestamp())
"""


async def ask(it: Bench, action: str, *, answer: str = "done", **target: Any) -> str:
    """Asks, waits until some process says that it is done, or that it cannot be, and gives what it says beside."""
    request = uuid.uuid4()
    await it.database.pool.execute(ASK, request, action, target)
    answered = "SELECT state, result FROM operator_requests WHERE id = $1 AND state <> 'asked'"
    row = await until(lambda: it.database.pool.fetchrow(answered, request), f"an answer to {action}")
    assert row["state"] == answer
    return str(row["result"])


async def test_a_partition_that_stopped_goes_on_from_a_moved_offset_whichever_process_owns_it(
    database: Any, kafka_server: Any
) -> None:
    async with bench(database, kafka_server) as it:
        it.relay()
        await it.say(*(note for page in "abc" for note in written(page, 1)))
        await it.database.pool.execute(
            "INSERT INTO offsets (grp, topic, partition, next) SELECT 'tests', $1, p, 500 FROM generate_series(0, 2) p",
            it.topic.name,
        )
        members = [it.consumer(), it.consumer()]
        for member in members:
            it.desk(member)
        await until(lambda: all("outside" in str(one.ready()) for one in members), "both have stopped some")
        for partition in range(3):
            await ask(it, "move_offset", topic=it.topic.name, partition=partition, offset=0)
        await it.applied_are({"a": [1], "b": [1], "c": [1]})
        await until(lambda: not any(one.ready() for one in members), "neither has stopped any more")


async def test_every_process_that_has_stopped_itself_goes_on_when_an_operator_has_looked(
    database: Any, kafka_server: Any
) -> None:
    broken = True

    async def record(events: Sequence[NoteWritten], tx: Transaction) -> None:
        if broken:
            raise KeyError
        await notes.record_notes(events, tx)

    async with bench(database, kafka_server) as it:
        it.relay()
        members = [it.consumer({NoteWritten: record}) for _ in range(2)]
        for member in members:
            it.desk(member)

        async def both_stopped() -> bool:
            await it.say(*(NoteWritten(page=str(uuid.uuid4()), number=1) for _ in range(12)))
            return all(one.stopped for one in members)

        await until(both_stopped, "both have stopped themselves", every=0.2)
        broken = False
        await ask(it, "resume")
        await until(lambda: not any(one.stopped for one in members), "both go on")


async def test_a_projection_is_rebuilt_also_from_partitions_of_another_process_where_nothing_new_comes(
    database: Any, kafka_server: Any
) -> None:
    async with bench(database, kafka_server) as it:
        it.relay()
        members = [it.consumer(), it.consumer()]
        await until(
            lambda: all(one.metrics()["consumer_partitions_owned"] for one in members), "both own some"
        )
        it.desk(members[0])
        it.desk(members[1])
        await it.say(*(note for page in "abc" for note in written(page, 1)))
        await it.applied_are({"a": [1], "b": [1], "c": [1]})
        await ask(it, "rebuild")
        await it.applied_are({"a": [1], "b": [1], "c": [1]})


async def test_a_projection_of_what_is_no_longer_in_the_log_is_not_emptied(
    database: Any, kafka_server: Any
) -> None:
    async with bench(database, kafka_server) as it:
        it.relay()
        it.desk(it.consumer())
        await it.say(*(note for page in "abc" for note in written(page, 1)))
        await it.applied_are({"a": [1], "b": [1], "c": [1]})
        await forget_the_first(it)
        assert (await ask(it, "rebuild", answer="failed")).startswith(it.topic.name)
        await it.say(*written("a", 2))
        await it.applied_are({"a": [1, 2], "b": [1], "c": [1]})


async def forget_the_first(it: Bench) -> None:
    """Retention has come: each partition loses what was read of it."""
    offsets = await it.database.pool.fetch("SELECT topic, partition, next FROM offsets")
    admin = AIOKafkaAdminClient(bootstrap_servers=it.settings.bootstrap_servers)
    await admin.start()
    read = {TopicPartition(r["topic"], r["partition"]): RecordsToDelete(r["next"]) for r in offsets}
    await admin.delete_records(read)
    await admin.close()
