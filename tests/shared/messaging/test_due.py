"""Due rows: done once, when their time has come, by whoever gets there first; a failure comes again."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from shared.messaging import Due, DueLoop, Transaction
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
