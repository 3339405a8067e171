"""The database's clock jumps, forth by an hour and back by two: nothing is lost, repeated, reordered or done too early."""

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.messaging import Database, Transaction
from shared.messaging.due_loop import DueLoop
from shared.messaging.transaction import Due
from tests.shared.messaging.test_reading import Bench, bench, written
from tests.waiting import running, until

pytestmark = pytest.mark.kafka

HOUR = timedelta(hours=1)


class JumpingClock:
    """The true time, off by what it last jumped to."""

    def __init__(self) -> None:
        self.off = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.off


def on(clock: JumpingClock, it: Bench) -> None:
    """From now on this bench's database tells that time."""
    it.database = Database(
        it.database.pool,
        source=it.database.source,
        dsn=it.database.dsn,
        lane_of=it.database.lane_of,
        clock=clock,
    )


async def test_events_are_applied_once_and_in_order_while_the_clock_jumps(
    database: Any, kafka_server: Any
) -> None:
    clock, chance = JumpingClock(), random.Random(3)
    async with bench(database, kafka_server) as it:
        on(clock, it)
        it.relay()
        it.consumer()
        for number in range(1, 31):
            clock.off = HOUR * chance.choice((-2, -1, 0, 1))
            await it.say(*(note for page in "abcd" for note in written(page, number)))
            await asyncio.sleep(0.02)
        await it.applied_are({page: list(range(1, 31)) for page in "abcd"})
        assert await it.database.pool.fetchval("SELECT count(*) FROM outbox") == 0


async def test_what_is_due_is_done_once_and_never_before_its_time_by_the_clock_in_force(
    database: Any, kafka_server: Any
) -> None:
    clock, done = JumpingClock(), {}
    begin = datetime.now(UTC)

    async def note(dues: Sequence[Due], tx: Transaction) -> None:
        for due in dues:
            assert due.at <= tx.now
            assert due.key not in done
            done[due.key] = tx.now

    async with bench(database, kafka_server) as it:
        on(clock, it)
        loop = DueLoop(it.database, {"remind": note})
        stop = asyncio.Event()
        async with running(stop) as tasks:
            tasks.append(asyncio.create_task(loop.run(stop)))
            async with it.database.transaction() as tx:
                await tx.schedule(
                    [
                        Due("remind", f"in {minutes}", begin + timedelta(minutes=minutes))
                        for minutes in (30, 90)
                    ]
                )
            clock.off = HOUR
            await until(lambda: "in 30" in done, "half an hour has passed by the clock")
            clock.off = -HOUR
            await asyncio.sleep(0.6)  # two looks of the loop
            assert set(done) == {"in 30"}
            clock.off = 2 * HOUR
            await until(lambda: "in 90" in done, "an hour and a half has passed by the clock")
            assert await it.database.pool.fetchval("SELECT count(*) FROM due") == 0
