"""Due rows: done once, when their time has come, by whoever gets there first; a failure comes again."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from shared.messaging import Due, DueLoop, Transaction, due
from tests.shared.messaging.notes import opened
from tests.waiting import running, until


async def test_a_due_row_is_done_once_although_two_loops_claim(database: Any) -> None:
    done: list[str] = []

    async def work(rows: Sequence[Due], tx: Transaction) -> None:
        done.extend(row.key for row in rows)

    async with opened(database.dsn("matching")) as db:
        async with db.transaction() as tx:
            await tx.schedule([Due("later", str(n), tx.now) for n in range(50)])
            await tx.schedule([Due("later", "tomorrow", tx.now + timedelta(days=1))])
        stop = asyncio.Event()
        async with running(stop, *(DueLoop(db, {"later": work}).run(stop) for _ in range(2))):
            await until(lambda: len(done) >= 50, "50 rows done")
        assert sorted(done, key=int) == [str(n) for n in range(50)]
        assert [row["key"] for row in await db.pool.fetch("SELECT key FROM due")] == ["tomorrow"]


async def test_a_row_that_fails_comes_again_and_the_others_are_done(database: Any) -> None:
    done: list[str] = []

    async def work(rows: Sequence[Due], tx: Transaction) -> None:
        if any(row.key == "bad" for row in rows):
            raise ValueError
        done.extend(row.key for row in rows)

    async with opened(database.dsn("matching")) as db:
        async with db.transaction() as tx:
            await tx.schedule([Due("later", key, tx.now) for key in ("bad", "good")])
        stop = asyncio.Event()
        async with running(stop, DueLoop(db, {"later": work}).run(stop)):
            tried = "SELECT attempts > 0 FROM due WHERE key = 'bad'"
            await until(lambda: db.pool.fetchval(tried), "a try of the bad row")
            await until(lambda: done, "the good row done")
        assert done == ["good"]
        assert [row["key"] for row in await db.pool.fetch("SELECT key FROM due")] == ["bad"]


async def test_whoever_holds_a_row_has_waited_for_it_also_when_it_was_put_back(database: Any) -> None:
    async with opened(database.dsn("matching")) as db:
        async with db.transaction() as tx:
            await tx.schedule([Due("later", key, tx.now) for key in ("one", "other")])

        async def order() -> int:
            async with db.transaction() as tx:
                await tx.hold_due("later", ["one", "unheard of"])
                return len(await db.pool.fetch("SELECT FROM due WHERE kind = 'later' FOR UPDATE SKIP LOCKED"))

        async with db.transaction() as tx:
            await due.claim(tx.connection, ["later"], 9, tx.now)
            ordering = asyncio.create_task(order())
            await asyncio.sleep(0.2)
            assert not ordering.done()
            await tx.schedule([Due("later", key, tx.now) for key in ("one", "other")])
        assert await ordering == 1  # the other one is free


async def test_a_row_is_hastened_with_what_it_carries_and_never_put_off(database: Any) -> None:
    async with opened(database.dsn("matching")) as db:
        async with db.transaction() as tx:
            now = tx.now
            await tx.schedule([Due("look", "late", now + timedelta(seconds=9), {"seen": 7})])
            await tx.schedule([Due("look", "soon", now)])
            await tx.hasten("look", ["late", "soon", "unheard of"], now + timedelta(seconds=1))
        rows = await db.pool.fetch("SELECT key, at, body FROM due ORDER BY key")
        assert [(row["key"], (row["at"] - now).seconds, row["body"]) for row in rows] == [
            ("late", 1, {"seen": 7}),
            ("soon", 0, {}),
        ]
        async with db.transaction() as tx:
            await due.claim(tx.connection, ["look"], 9, now + timedelta(seconds=9))
            async with asyncio.timeout(1), db.transaction() as other:  # who is at work is not waited for
                await other.hasten("look", ["late"], now)
