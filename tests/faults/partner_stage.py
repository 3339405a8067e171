"""Tells partners' own worker of bookings, and kills it with a batch in its hands: positions must have no gaps."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg

from shared.contracts.topics import TOPICS, partner_topic
from shared.messaging import MIGRATIONS, KafkaSettings, Kernel, ensure_topics, open_kernel
from shared.postgres import migrate
from tests.faults.booking_workers import Workers, environment_of
from tests.faults.stage import ROOT
from tests.partners.appointments import HOSPITAL, a_booking
from tests.waiting import until

WORKER, ROUNDS, AT_ONCE = "worker-0", 3, 4
TOLD = "SELECT count(*) FROM partners.told WHERE said ->> 'practitioner' = ANY ($1)"
WAITS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND usename = 'partners' AND wait_event_type = 'Lock'
"""
GAPS = """
SELECT coalesce(sum(position - before - 1), 0)::int FROM (
    SELECT position, lag(position, 1, 0::bigint) OVER (PARTITION BY organisation ORDER BY position) AS before
    FROM partners.told WHERE position > 0
) AS steps
"""


@dataclass(slots=True)
class Verdict:
    """`gaps` are positions that nobody was ever told; `lost` bookings that were told to nobody."""

    told: int = 0
    lost: int = 0
    gaps: int = 0
    kills: int = 0

    @property
    def found(self) -> dict[str, int]:
        """The checks that fail, each with how often."""
        return {name: count for name in ("lost", "gaps") if (count := getattr(self, name))}


@dataclass(slots=True)
class PartnerStage:
    """One run: a database of its own, the worker's process from `tree` (the code under test)."""

    database: Any
    bootstrap: str
    folder: Path
    tree: Path = ROOT
    loud: bool = True

    async def play(self) -> Verdict:
        """A few batches; loud, the worker is killed with each in its hands, and started again."""
        verdict, people = Verdict(), list[str]()
        async with self._stage() as (kernel, workers, admin):
            for _ in range(ROUNDS):
                bookings = [a_booking() for _ in range(AT_ONCE)]
                people += [str(one.therapist_id) for one in bookings]
                async with self._stalled():
                    async with kernel.database.transaction() as tx:
                        tx.emit(bookings)
                    if self.loud:
                        await until(lambda: admin.fetchval(WAITS), "a batch in flight")
                        workers.kill(WORKER)
                        verdict.kills += 1
                if self.loud:
                    workers.start([WORKER])
                with contextlib.suppress(AssertionError):
                    await until(partial(_all_told, admin, people), "all are told", seconds=30)
            verdict.told = await admin.fetchval(TOLD, people)
            verdict.lost = len(people) - verdict.told
            verdict.gaps = await admin.fetchval(GAPS)
        return verdict

    @contextlib.asynccontextmanager
    async def _stage(self) -> AsyncIterator[tuple[Kernel, Workers, Any]]:
        """A migrated database, the worker at work, and scheduling's outbox with a relay."""
        await migrate(self.database.dsn("scheduling"), schema="scheduling", folders=[MIGRATIONS])
        await ensure_topics(KafkaSettings(self.bootstrap), (*TOPICS, partner_topic(HOSPITAL)))
        told = environment_of(self.database, self.bootstrap, "partners")
        async with Workers(self.tree, self.folder, told, "services.partners.main") as workers:
            await workers.migrate()
            workers.start([WORKER])
            await until(workers.at_work, "the worker at work")
            kernel = await open_kernel(
                self.database.dsn("scheduling"), schema="scheduling", role="stage", pool_size=4,
                kafka=KafkaSettings(self.bootstrap), topics=TOPICS,
            )  # fmt: skip
            kernel.relay("routine")
            stop, admin = asyncio.Event(), await asyncpg.connect(self.database.admin_dsn)
            loops = [asyncio.create_task(loop.run(stop)) for loop in kernel.loops]
            try:
                yield kernel, workers, admin
            finally:
                stop.set()
                await asyncio.gather(*loops)
                await kernel.close()
                await admin.close()

    @contextlib.asynccontextmanager
    async def _stalled(self) -> AsyncIterator[None]:
        """What building an index does: who writes waits, with a position in hand."""
        if not self.loud:
            yield
            return
        connection = await asyncpg.connect(self.database.admin_dsn)
        try:
            async with connection.transaction():
                await connection.execute("LOCK TABLE partners.told IN SHARE MODE")
                yield
        finally:
            await connection.close()


async def _all_told(admin: Any, people: list[str]) -> bool:
    return bool(await admin.fetchval(TOLD, people) == len(people))
