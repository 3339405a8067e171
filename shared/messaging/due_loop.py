"""The loop of due rows: claims what is due, hands it to its handler, in one transaction."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

import asyncpg

from shared.messaging import due
from shared.messaging.failures import describe, is_transient
from shared.messaging.transaction import Database, Due, Transaction
from shared.resting import rest

DueHandler = Callable[[Sequence[Due], Transaction], Awaitable[None]]

BATCH = 500
POLL_SECONDS = 0.25
POSTPONE_SECONDS = (1.0, 5.0, 30.0, 300.0, 3600.0)

log = logging.getLogger(__name__)


class DueLoop:
    """One per service and process; several processes share the rows by SKIP LOCKED."""

    def __init__(self, database: Database, handlers: Mapping[str, DueHandler], *, name: str = "due") -> None:
        self.name = name
        self._database = database
        self._handlers = handlers
        self._done = 0
        self._failed = 0
        self._waits_for: str | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Works until told to stop."""
        while not stop.is_set():
            try:
                claimed = await self._round(BATCH)
                self._waits_for = None
            except Exception as failure:
                if not is_transient(failure):
                    await self._one_by_one()
                else:
                    self._waits_for = "database"
                    await asyncio.sleep(0.5)
                continue
            if claimed < BATCH:
                await rest(stop, POLL_SECONDS)

    async def _round(self, limit: int) -> int:
        if not await due.anything(self._database.pool, list(self._handlers), self._database.told_time()):
            return 0
        async with self._database.transaction() as tx:
            rows = await due.claim(tx.connection, list(self._handlers), limit, tx.now)
            groups: dict[str, list[Due]] = {}
            for row in rows:
                groups.setdefault(row["kind"], []).append(_as_due(row))
                tx.trace(row["key"], row["traceparent"])
            for kind, dues in groups.items():
                await self._handlers[kind](dues, tx)
        self._done += len(rows)
        return len(rows)

    async def _one_by_one(self) -> None:
        """A batch failed for good: find the row, and let it come again later, ever more rarely, never lost."""
        for _ in range(BATCH):
            claimed: list[asyncpg.Record] = []
            try:
                async with self._database.transaction() as tx:
                    claimed = await due.claim(tx.connection, list(self._handlers), 1, tx.now)
                    if not claimed:
                        return
                    tx.trace(claimed[0]["key"], claimed[0]["traceparent"])
                    await self._handlers[claimed[0]["kind"]]([_as_due(claimed[0])], tx)
                self._done += 1
            except Exception as failure:
                if is_transient(failure) or not claimed:
                    return
                await self._postpone(claimed[0], failure)

    async def _postpone(self, row: asyncpg.Record, failure: Exception) -> None:
        self._failed += 1
        attempts = row["attempts"] + 1
        log.error("due row failed: %s", describe(failure), extra={"kind": row["kind"], "attempts": attempts})
        seconds = POSTPONE_SECONDS[min(attempts, len(POSTPONE_SECONDS)) - 1]
        async with self._database.pool.acquire() as connection:
            await due.postpone(connection, row["kind"], row["key"], attempts, seconds)

    def ready(self) -> str | None:
        return self._waits_for

    def metrics(self) -> dict[str, float]:
        return {"due_done_total": self._done, "due_failed_total": self._failed}


def _as_due(row: asyncpg.Record) -> Due:
    return Due(row["kind"], row["key"], row["at"], row["body"], row["traceparent"])
