"""The outbox: numbered without gaps per topic and key, ids in commit order per key, whoever emits."""

import asyncio
import random
from typing import Any

import pytest

from shared.messaging import Database, Due
from tests.shared.messaging.notes import NoteStruck, NoteWritten, opened


async def outbox(database: Database) -> list[Any]:
    return list(await database.pool.fetch("SELECT * FROM outbox ORDER BY id"))


async def test_events_of_one_key_are_numbered_from_one_without_gaps(database: Any) -> None:
    async with opened(database.dsn("matching")) as db:
        async with db.transaction() as tx:
            tx.emit(
                [
                    NoteWritten(page="a", number=1),
                    NoteWritten(page="b", number=1),
                    NoteWritten(page="a", number=2),
                ]
            )
        async with db.transaction() as tx:
            tx.emit([NoteStruck(page="a", number=3)])
        rows = [(r["key"], r["sequence"], r["type"]) for r in await outbox(db)]
    assert rows == [
        ("a", 1, "tests.note_written.v1"),
        ("b", 1, "tests.note_written.v1"),
        ("a", 2, "tests.note_written.v1"),
        ("a", 3, "tests.note_struck.v1"),
    ]


async def test_a_transaction_that_fails_says_nothing(database: Any) -> None:
    async with opened(database.dsn("matching")) as db:
        with pytest.raises(RuntimeError):
            async with db.transaction() as tx:
                tx.emit([NoteWritten(page="a", number=1)])
                raise RuntimeError
        assert await outbox(db) == []


async def test_nothing_is_said_without_a_transaction(database: Any) -> None:
    async with opened(database.dsn("matching")) as db:
        with pytest.raises(RuntimeError, match="needs a transaction"):
            async with db.statements() as tx:
                tx.emit([NoteWritten(page="a", number=1)])
        assert await outbox(db) == []


async def test_statements_without_a_transaction_leave_none_open(database: Any) -> None:
    async with opened(database.dsn("matching"), size=1) as db:
        async with db.statements() as tx:
            first = tx.now
            assert not tx.connection.is_in_transaction()
        async with db.statements() as tx:
            assert tx.now > first


async def test_ids_rise_in_commit_order_per_key_when_many_write_at_once(database: Any) -> None:
    async with opened(database.dsn("matching"), size=12) as db:

        async def writer(seed: int) -> None:
            chance = random.Random(seed)
            for _ in range(25):
                async with db.transaction() as tx:
                    # Other work takes the transaction id early: the order must not come from it.
                    await tx.connection.fetchval("SELECT txid_current()")
                    await asyncio.sleep(chance.random() * 0.004)
                    pages = [chance.choice("abcd") for _ in range(chance.randint(1, 4))]
                    tx.emit([NoteWritten(page=page, number=seed) for page in pages])

        await asyncio.gather(*(writer(seed) for seed in range(12)))
        seen: dict[str, list[int]] = {}
        for row in await outbox(db):
            seen.setdefault(row["key"], []).append(row["sequence"])
    for sequences in seen.values():
        assert sequences == list(range(1, len(sequences) + 1))


async def test_an_event_goes_on_in_the_trace_of_its_cause(database: Any) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with opened(database.dsn("matching")) as db:
        async with db.transaction() as tx:
            tx.trace("request", trace)
            tx.emit([NoteWritten(page="a", number=1)], causes=["request"])
        assert [row["traceparent"] for row in await outbox(db)] == [trace]


async def test_scheduling_again_moves_a_due_row(database: Any) -> None:
    async with opened(database.dsn("matching")) as db:
        async with db.transaction() as tx:
            await tx.schedule([Due("later", "a", tx.now, {"n": 1}), Due("later", "a", tx.now, {"n": 2})])
        async with db.transaction() as tx:
            await tx.schedule([Due("later", "a", tx.now, {"n": 3})])
        assert [row["body"] for row in await db.pool.fetch("SELECT body FROM due")] == [{"n": 3}]
