"""An operator settles a dead letter while more comes about the same thing: nothing overtakes what still waits."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import uuid_utils

from shared.messaging import Consumer, Database, KafkaSettings, Transaction
from shared.messaging.envelope import to_headers
from shared.messaging.redrive import redrive
from tests.shared.messaging.notes import NoteWritten, applied, opened, topic
from tests.waiting import until

NOTES = topic("tests.notes")
WAITS = """
SELECT count(*) > 0 FROM pg_stat_activity
WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0
"""


def record(number: int) -> SimpleNamespace:
    """As the consumer has it from Kafka: the `number`th about page a, at that offset."""
    note = NoteWritten(page="a", number=number)
    row = {
        "event_id": UUID(bytes=uuid_utils.uuid7().bytes), "type": note.type_name, "at": datetime.now(UTC), "key": "a", "sequence": number,
        "traceparent": None,
    }  # fmt: skip
    return SimpleNamespace(
        topic=NOTES.name, partition=0, offset=number, key=b"a", value=note.model_dump_json().encode(),
        headers=to_headers("tests", row),
    )  # fmt: skip


def reader(database: Database, refused: set[int]) -> Consumer:
    async def handle(notes: Sequence[NoteWritten], tx: Transaction) -> None:
        for note in notes:
            if note.number in refused:
                raise type(f"Broken{note.number}", (ValueError,), {})
            await tx.connection.execute("INSERT INTO applied (page, number) VALUES ('a', $1)", note.number)

    handlers: dict[Any, Any] = {NoteWritten: handle}
    made = Consumer(
        database,
        KafkaSettings("nowhere:9"),
        group="tests",
        topics=[NOTES],
        handlers=handlers,
        known=frozenset(),
    )
    made._partitions._next = {(NOTES.name, 0): 1}
    return made


async def test_what_comes_while_a_letter_is_settled_waits_behind_the_next_that_fails(database: Any) -> None:
    async with opened(database.dsn("matching")) as own:
        await own.pool.execute("INSERT INTO offsets VALUES ('tests', $1, 0, 1)", NOTES.name)
        refused = {1, 2}
        consumer = reader(own, refused)
        await consumer._process([record(number) for number in (1, 2, 3)])
        letter = await own.pool.fetchval("SELECT id FROM dead_letters WHERE sequence = 1")
        refused.discard(1)
        async with own.transaction() as tx:
            assert await redrive(tx, consumer.reader, letter, "Omar", None) == 1
            reading = asyncio.create_task(consumer._process([record(4)]))
            await until(lambda: own.pool.fetchval(WAITS), "a reader who waits for the operator")
        await reading
        assert await applied(own) == {"a": [1]}
        assert [r[0] for r in await own.pool.fetch("SELECT sequence FROM parked ORDER BY 1")] == [3, 4]
        refused.clear()
        letter = await own.pool.fetchval("SELECT id FROM dead_letters WHERE state = 'open'")
        async with own.transaction() as tx:
            assert await redrive(tx, consumer.reader, letter, "Omar", None) == 3
        assert await applied(own) == {"a": [1, 2, 3, 4]}
        await consumer._process([record(5)])
        assert await applied(own) == {"a": [1, 2, 3, 4, 5]}
