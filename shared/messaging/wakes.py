"""Waking relays: in process at once, across processes by one coalesced NOTIFY per 10 ms.

Never a NOTIFY inside a business transaction: it takes one lock for the whole database and serialises
all commits (measured 7 times slower; docs/decisions/0002-streams-row.md).
"""

import asyncio
import contextlib
from collections.abc import Iterable

import asyncpg

from shared.messaging.failures import TROUBLE
from shared.postgres import connect

COALESCE_SECONDS = 0.01


class Wakes:
    """One per process. `set` is the Database's on_commit; relays wait on `event(lane)`."""

    def __init__(self, dsn: str, *, schema: str) -> None:
        self.name = "wakes"
        self.channel = f"{schema}_outbox"
        self._dsn = dsn
        self._schema = schema
        self._events: dict[str, asyncio.Event] = {}
        self._covered: set[str] = set()
        self._pending: set[str] = set()
        self._asked = asyncio.Event()

    def event(self, lane: str) -> asyncio.Event:
        """Set whenever something of this lane was committed, here or elsewhere."""
        return self._events.setdefault(lane, asyncio.Event())

    def cover(self, lane: str, covered: bool) -> None:
        """A relay of this process owns the whole lane: nobody else needs to be told."""
        (self._covered.add if covered else self._covered.discard)(lane)

    def set(self, lanes: Iterable[str]) -> None:
        """Something was committed in these lanes."""
        for lane in lanes:
            if lane in self._events:
                self._events[lane].set()
            if lane not in self._covered:
                self._pending.add(lane)
                self._asked.set()

    def heard(self, payload: str) -> None:
        """Another process's NOTIFY."""
        for lane in payload.split(","):
            if lane in self._events:
                self._events[lane].set()

    async def run(self, stop: asyncio.Event) -> None:
        """Sends the coalesced NOTIFYs; a lost connection costs latency only, the relays poll as well."""
        connection: asyncpg.Connection | None = None
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await self._asked.wait()
            if not self._pending:
                continue
            await asyncio.sleep(COALESCE_SECONDS)
            lanes, self._pending = self._pending, set()
            self._asked.clear()
            try:
                if connection is None or connection.is_closed():
                    connection = await connect(self._dsn, schema=self._schema, name=f"wakes:{self._schema}")
                await connection.execute("SELECT pg_notify($1, $2)", self.channel, ",".join(sorted(lanes)))
            except TROUBLE:
                connection = None
                await asyncio.sleep(0.5)
        if connection is not None and not connection.is_closed():
            await connection.close(timeout=1)

    def ready(self) -> str | None:
        return None

    def metrics(self) -> dict[str, float]:
        return {}
