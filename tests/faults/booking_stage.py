"""Gives the matches of both lanes to the service's own processes, one worker at a time or all of them at once
while they are killed, and lets the checker look when nothing moves any more."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from shared.contracts.matching import MatchMade
from shared.contracts.topics import TOPICS
from shared.messaging import MIGRATIONS, KafkaSettings, Kernel, ensure_topics, open_kernel
from shared.postgres import migrate
from tests.faults.booking_checker import Verdict, check
from tests.faults.booking_workers import Workers, environment_of
from tests.faults.booking_world import LANES, TICKS, Tick, make_world, plan
from tests.faults.stage import ROOT

WORKERS = [f"{lane}-{number}" for number in range(2) for lane in LANES]
STALL_SECONDS = 1.0  # less than the lock timeout of every session

DECIDED = "SELECT count(*) FROM scheduling.case_fences WHERE attempt > 0"
UNTOLD = "SELECT count(*) FROM scheduling.outbox"

# What building an index does: who writes waits, who reads does not. Between what a worker has read and what it
# commits there is then time for the others, as there is whenever the database is slow.
STALL = "LOCK TABLE scheduling.weekly_load IN SHARE MODE"
WAITING = """
SELECT DISTINCT split_part(application_name, ':', 2) AS lane FROM pg_stat_activity
WHERE datname = current_database() AND usename = 'scheduling' AND wait_event_type = 'Lock'
"""


@dataclass(slots=True)
class BookingStage:
    """One run: a database of its own, cases of its own, processes from `tree` (the code under test)."""

    database: Any
    bootstrap: str
    folder: Path
    tree: Path = ROOT
    seed: int = 1
    ticks: int = TICKS
    verdict: Verdict = field(default_factory=Verdict)

    async def quietly(self) -> Verdict:
        """One worker at a time: all matches of one lane, then all of the other."""
        async with self._run() as (kernel, workers, ticks):
            said = 0
            for lane in LANES:
                workers.start([f"{lane}-0"])
                for tick in ticks:
                    said += await _say(kernel, [one for one in tick if one.lane == lane])
                await self._settle(said)
                workers.end()
        return self.verdict

    async def under_kills(self) -> Verdict:
        """All workers at once. Every tick finds both lanes at work and stalls until both have begun; around its
        end one of the workers is killed, before or after what it holds is committed, and started again."""
        chance = random.Random(self.seed)
        async with self._run() as (kernel, workers, ticks):
            workers.start(WORKERS)
            for tick in ticks:
                at_work = await workers.manned(LANES)
                moment, victim = chance.random() * 0.2 - 0.1, chance.choice(at_work)
                async with self._stalled():
                    await _say(kernel, tick)
                    await self._both_wait()
                    if moment < 0:
                        workers.kill_and_start(victim)
                if moment >= 0:
                    await asyncio.sleep(moment)
                    workers.kill_and_start(victim)
                self.verdict.kills += 1
            await self._settle(sum(map(len, ticks)))
        return self.verdict

    @contextlib.asynccontextmanager
    async def _run(self) -> AsyncIterator[tuple[Kernel, Workers, list[Tick]]]:
        """A migrated database with the world in it; afterwards, when every process has ended, the checker."""
        begun = asyncio.get_running_loop().time()
        await migrate(self.database.dsn("matching"), schema="matching", folders=[MIGRATIONS])
        await ensure_topics(KafkaSettings(self.bootstrap), TOPICS)
        async with Workers(self.tree, self.folder, environment_of(self.database, self.bootstrap)) as workers:
            await workers.migrate()
            ticks = plan(await make_world(self.database), self.seed, self.ticks)
            async with self._matching() as kernel:
                yield kernel, workers, ticks
        await check(self.database, self.bootstrap, ticks, self.verdict)
        self.verdict.seconds = asyncio.get_running_loop().time() - begun

    @contextlib.asynccontextmanager
    async def _matching(self) -> AsyncIterator[Kernel]:
        """Says matches as the service before does: by an outbox and a relay for each lane."""
        kernel = await open_kernel(
            self.database.dsn("matching"),
            schema="matching",
            role="stage",
            pool_size=4,
            kafka=KafkaSettings(self.bootstrap),
            topics=TOPICS,
        )
        for lane in LANES:
            kernel.relay(lane)
        stop = asyncio.Event()
        loops = [asyncio.create_task(loop.run(stop)) for loop in kernel.loops]
        try:
            yield kernel
        finally:
            stop.set()
            await asyncio.gather(*loops)
            await kernel.close()

    @contextlib.asynccontextmanager
    async def _stalled(self) -> AsyncIterator[None]:
        async with self._admin() as admin, admin.transaction():
            await admin.execute(STALL)
            yield

    async def _both_wait(self) -> None:
        """Until a worker of each lane stands before the stall, or before somebody who does."""
        async with self._admin() as admin:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STALL_SECONDS):
                    while {row["lane"] for row in await admin.fetch(WAITING)} != {*LANES}:
                        await asyncio.sleep(0.02)

    async def _settle(self, said: int, seconds: float = 30) -> None:
        """Until all that was said is decided and all that was decided is told, or time is up: the checker says
        what is missing."""
        async with self._admin() as admin:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    while await admin.fetchval(DECIDED) < said or await admin.fetchval(UNTOLD):
                        await asyncio.sleep(0.1)

    @contextlib.asynccontextmanager
    async def _admin(self) -> AsyncIterator[Any]:
        connection = await asyncpg.connect(self.database.admin_dsn)
        try:
            yield connection
        finally:
            await connection.close()


async def _say(kernel: Kernel, matches: Sequence[MatchMade]) -> int:
    async with kernel.database.transaction() as tx:
        tx.emit(matches)
    return len(matches)
