"""How much waits to be sent: without the broker intake goes on accepting, up to a limit that is stated, and then sheds.

Files give way at a fifth of the limit, single posts at the limit. Crisis routes, taking back and the duty desk never ask here.
"""

import asyncio
import contextlib

from shared.messaging import Database
from shared.messaging.failures import TROUBLE
from shared.web import Problem

LOOK_SECONDS = 1.0
RETRY_SECONDS = 30
FILES_SHARE = 0.2

# Two looks into an index instead of a count: nobody takes rows out from the middle but other shards' relays, so that it may
# tell too much for a moment and never too little.
WAITING = "SELECT coalesce(max(id) - min(id) + 1, 0)::bigint FROM outbox WHERE lane = 'routine'"


class Backlog:
    """A loop that looks once a second. `limit` is in events; a request for care says two or three."""

    name = "backlog"

    def __init__(self, database: Database, limit: int) -> None:
        self._database = database
        self._limit = limit
        self._waiting = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Until told to stop; while the database is away what was seen last stands."""
        while not stop.is_set():
            with contextlib.suppress(*TROUBLE):
                await self.look()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await stop.wait()

    async def look(self) -> None:
        """Sees how much waits now."""
        self._waiting = await self._database.pool.fetchval(WAITING)

    def admit_file(self) -> None:
        """Raises Problem 503 while too much waits for files to be taken in."""
        self._admit(self._limit * FILES_SHARE)

    def admit_post(self) -> None:
        """Raises Problem 503 while too much waits for anything that can come again."""
        self._admit(self._limit)

    def _admit(self, limit: float) -> None:
        if self._waiting > limit:
            detail = "What was asked before has not been passed on yet; please send this again later."
            raise Problem(503, "overloaded", detail, headers={"retry-after": str(RETRY_SECONDS)})

    def ready(self) -> str | None:
        return None

    def metrics(self) -> dict[str, float]:
        return {"backlog_events": float(self._waiting)}
