"""Gives the matches of both lanes to the service's own processes, one worker at a time or all of them at once
while they are killed, and lets the checker look when nothing moves any more."""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
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
from tests.faults.booking_world import LANES, Tick, make_world, plan
from tests.faults.stage import ROOT

WORKERS_PER_LANE = 2
TICK_SECONDS = 0.06

DECIDED = "SELECT count(*) FROM scheduling.case_fences WHERE attempt > 0"
UNTOLD = "SELECT count(*) FROM scheduling.outbox"


@dataclass(slots=True)
class BookingStage:
    """One run: a database of its own, cases of its own, processes from `tree` (the code under test)."""

    database: Any
    bootstrap: str
    folder: Path
    tree: Path = ROOT
    seed: int = 1
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    verdict: Verdict = field(default_factory=Verdict)

    async def quietly(self) -> Verdict:
        """One worker at a time: all matches of one lane, then all of the other."""
        ticks, said = await self._prepare(), 0
        async with self._matching() as kernel, self._ending():
            for lane in LANES:
                self._start(f"{lane}-0")
                for tick in ticks:
                    said += await _say(kernel, [one for one in tick if one.lane == lane])
                await self._settle(said)
                self._end()
        return await self._check(ticks)

    async def under_kills(self) -> Verdict:
        """All workers at once, each killed again and again while matches come for both lanes together."""
        ticks = await self._prepare()
        async with self._matching() as kernel, self._ending():
            for number in range(WORKERS_PER_LANE):
                for lane in LANES:
                    self._start(f"{lane}-{number}")
            await _say(kernel, ticks[0])
            await self._settle(
                len(ticks[0]), 60
            )  # how long processes take to start is not what is tried here
            killing = asyncio.create_task(self._kill_at_random())
            try:
                for tick in ticks[1:]:
                    await _say(kernel, tick)
                    await asyncio.sleep(TICK_SECONDS)
            finally:
                killing.cancel()
            await self._settle(sum(map(len, ticks)))
        return await self._check(ticks)

    async def _prepare(self) -> list[Tick]:
        self.verdict.seconds = -asyncio.get_running_loop().time()
        await migrate(self.database.dsn("matching"), schema="matching", folders=[MIGRATIONS])
        await ensure_topics(KafkaSettings(self.bootstrap), TOPICS)
        migrating = self._run("migrate", "migrate")
        assert await asyncio.to_thread(migrating.wait, 60) == 0, (self.folder / "migrate.log").read_text()
        return plan(await make_world(self.database), self.seed)

    async def _check(self, ticks: Sequence[Tick]) -> Verdict:
        await check(self.database, self.bootstrap, ticks, self.verdict)
        self.verdict.seconds += asyncio.get_running_loop().time()
        return self.verdict

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

    def _run(self, name: str, role: str) -> subprocess.Popen[bytes]:
        told = {
            "DATABASE_URL": self.database.dsn("scheduling"),
            "KAFKA_BOOTSTRAP_SERVERS": self.bootstrap,
            "ENVIRONMENT": "test",
            "OTEL_TRACES_EXPORTER": "none",
            "HTTP_PORT": "0",
            "PYTHONPATH": str(self.tree),
        }
        with (self.folder / f"{name}.log").open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "services.scheduling.main", "--role", role],
                cwd=self.tree,
                env={**os.environ, **told},
                stdout=output,
                stderr=output,
            )

    def _start(self, name: str) -> None:
        self.processes[name] = self._run(name, name.split("-")[0])

    async def _kill_at_random(self) -> None:
        """The seeded schedule: every worker in turn, in random order, each started again at once."""
        chance = random.Random(self.seed)
        while True:
            for name in chance.sample(sorted(self.processes), len(self.processes)):
                await asyncio.sleep(0.4 + 0.4 * chance.random())
                self.processes[name].send_signal(signal.SIGKILL)
                self.processes[name].wait()
                self.verdict.kills += 1
                self._start(name)

    @contextlib.asynccontextmanager
    async def _ending(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            self._end()

    def _end(self) -> None:
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(8)
            process.kill()
            process.wait()
        self.processes.clear()

    async def _settle(self, said: int, seconds: float = 20) -> None:
        """Until all that was said is decided and all that was decided is told, or time is up."""
        admin = await asyncpg.connect(self.database.admin_dsn)
        try:
            async with asyncio.timeout(seconds):
                while await admin.fetchval(DECIDED) < said or await admin.fetchval(UNTOLD):
                    await asyncio.sleep(0.1)
        except TimeoutError:
            pass  # the checker says what is missing
        finally:
            await admin.close()


async def _say(kernel: Kernel, matches: Sequence[MatchMade]) -> int:
    async with kernel.database.transaction() as tx:
        tx.emit(matches)
    return len(matches)
