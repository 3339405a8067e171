"""Due rows: done once, when their time has come, by whoever gets there first; a failure comes again."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from shared.messaging import Due, DueLoop, Transaction
from tests.shared.messaging.notes import opened


async def test_a_due_row_is_done_once_although_two_loops_claim(database: Any) -> None:
    done: list[str] = []

    async def work(rows: Sequence[Due], tx: Transaction) -> None:
        done.extend(row.key for row in rows)

    async with opened(database.dsn("matching")) as db:
        async with db.transaction() as tx:
            await tx.schedule([Due("later", str(n), tx.now) for n in range(50)])
            await tx.schedule([Due("later", "tomorrow", tx.now + timedelta(days=1))])
        stop = asyncio.Event()
        loops = [asyncio.create_task(DueLoop(db, {"later": work}).run(stop)) for _ in range(2)]
        await asyncio.sleep(0.6)
        stop.set()
        await asyncio.gather(*loops)
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
        loop = asyncio.create_task(DueLoop(db, {"later": work}).run(stop))
        await asyncio.sleep(0.6)
        stop.set()
        await loop
        assert done == ["good"]
        assert [(row["key"], row["attempts"]) for row in await db.pool.fetch("SELECT * FROM due")] == [
            ("bad", 1)
        ]
