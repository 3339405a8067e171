"""Forgetting in time: inbox rows and settled rows are removed in small bites, never in one long statement."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from shared.messaging.failures import TROUBLE, describe
from shared.messaging.transaction import Database
from shared.resting import rest

INBOX = timedelta(days=45)  # longer than a topic (14) and a dead letter (30) are kept
BITE = 5000
BITES = 1000  # per round; the next one goes on
ROUND_SECONDS = 600.0

FORGET = """
DELETE FROM inbox WHERE (event_id, grp) IN (
    SELECT event_id, grp FROM inbox WHERE event_id < $1 ORDER BY event_id LIMIT $2
)
"""
SETTLED = "DELETE FROM dead_letters WHERE state <> 'open' AND settled_at < now() - interval '30 days'"

log = logging.getLogger(__name__)


# Removes a bite of what is too old for one more table; true when there may be more.
Sweep = Callable[[asyncpg.Connection, int], Awaitable[bool]]


class Retention:
    """One per process is harmless: the statements are idempotent. `also` are a service's own tables."""

    def __init__(self, database: Database, also: Sequence[Sweep] = ()) -> None:
        self.name = "retention"
        self._database = database
        self._also = also

    async def run(self, stop: asyncio.Event) -> None:
        """Sweeps every ten minutes."""
        while not stop.is_set():
            try:
                await self._sweep()
            except TROUBLE as failure:
                log.warning("sweep failed: %s", describe(failure))
            await rest(stop, ROUND_SECONDS)

    async def _sweep(self) -> None:
        now = await self._database.pool.fetchval("SELECT now()")
        for _ in range(BITES):
            if await self._database.pool.execute(FORGET, oldest_id(now - INBOX), BITE) != f"DELETE {BITE}":
                break
            await asyncio.sleep(0.1)
        await self._database.pool.execute(SETTLED)
        for sweep in self._also:
            await self._repeat(sweep)

    async def _repeat(self, sweep: Sweep) -> None:
        async with self._database.pool.acquire() as connection:
            for _ in range(BITES):
                if not await sweep(connection, BITE):
                    break
                await asyncio.sleep(0.1)

    def ready(self) -> str | None:
        return None

    def metrics(self) -> dict[str, float]:
        return {}


def oldest_id(moment: datetime) -> UUID:
    """The smallest UUIDv7 of a moment (RFC 9562 §5.7): everything below it is older."""
    return UUID(int=(int(moment.timestamp() * 1000) << 80) | (0x7 << 76) | (0x2 << 62))
