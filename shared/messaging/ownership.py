"""Who owns what: a session advisory lock per item, shared fairly among the processes that live.

Why not Kafka's groups or a lease table: docs/decisions/0001-ownership-by-lock.md.
"""

import asyncio
import contextlib
import logging
import random
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from math import ceil

import asyncpg

from shared.messaging.failures import TROUBLE
from shared.postgres import connect

ROUND_SECONDS = 1.0
REOPEN_SECONDS = 0.05  # once, after a session that was lost; a database that stays away is asked once a round
MARK = 2**31 - 1  # the lock number that every live member holds in shared mode

# Whoever gets the mark for itself is alone: no other member holds it. That is asked first and given back at once,
# for pg_locks copies the whole table of locks: 0.6 ms, every second, for every owner there is.
LIVE = """
WITH tried AS MATERIALIZED (SELECT pg_try_advisory_lock($1, $2) AS alone)
SELECT CASE WHEN alone THEN pg_advisory_unlock($1, $2)::int ELSE (
    SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND classid = $1::int4::oid AND objid = $2::int4::oid
) END FROM tried
"""

TAKEN = """
SELECT objid::int8 FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid = $1::int4::oid
"""

log = logging.getLogger(__name__)


def lock_class(schema: str, purpose: str) -> int:
    """Lock numbers are shared by the whole database: the class names schema and purpose."""
    return zlib.crc32(f"{schema}:{purpose}".encode()) & 0x7FFFFFFF


class Ownership:
    """Owns its fair share of `items` while its connection lives; a lost connection owns nothing at once."""

    def __init__(self, dsn: str, *, schema: str, purpose: str, items: Sequence[int]) -> None:
        self.purpose = purpose
        self._dsn = dsn
        self._schema = schema
        self._items = list(items)
        self._class = lock_class(schema, purpose)
        self._held: frozenset[int] = frozenset()
        self._connection: asyncpg.Connection | None = None
        self._guard = asyncio.Lock()
        self._changed = asyncio.Event()
        self._lost = asyncio.Event()
        self.on_notify: tuple[str, Callable[[str], None]] | None = None

    @property
    def held(self) -> frozenset[int]:
        return self._held

    @property
    def owns_all(self) -> bool:
        return len(self._held) == len(self._items)

    @asynccontextmanager
    async def batch(self) -> AsyncIterator[frozenset[int]]:
        """While inside, nothing is given up: surplus goes to others between batches only."""
        async with self._guard:
            yield self._held

    async def changed(self, seconds: float) -> None:
        """Waits until what is held has changed, at most `seconds`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        self._changed.clear()

    async def run(self, stop: asyncio.Event) -> None:
        """Keeps the share until told to stop; then gives everything up."""
        pause = REOPEN_SECONDS
        while not stop.is_set():
            try:
                await self._open()
                while not stop.is_set():
                    await self._round()
                    pause = REOPEN_SECONDS
                    await _either(stop, self._lost, ROUND_SECONDS)
            except TROUBLE as failure:
                log.warning("ownership lost: %s", type(failure).__name__, extra={"purpose": self.purpose})
            finally:
                await self._close()
            await _either(stop, None, pause)
            pause = ROUND_SECONDS

    async def _open(self) -> None:
        # The server ends this session when it has not been touched for 5 s: a stopped process (SIGSTOP)
        # loses its locks although its socket stays open. Measured in the kernel experiments: 4.3 s.
        self._connection = await connect(
            self._dsn,
            schema=self._schema,
            name=f"owner:{self._schema}:{self.purpose}",
            idle_session_timeout="5s",
        )
        self._lost.clear()
        self._connection.add_termination_listener(self._lose)
        if self.on_notify:
            channel, callback = self.on_notify
            await self._connection.add_listener(channel, lambda _c, _p, _ch, payload: callback(payload))
        await self._connection.execute("SELECT pg_advisory_lock_shared($1, $2)", self._class, MARK)

    async def _round(self) -> None:
        connection = self._connection
        assert connection is not None
        live = await connection.fetchval(LIVE, self._class, MARK)
        target = ceil(len(self._items) / max(1, live))
        if len(self._held) > target:
            await self._give_up(connection, target)
        elif len(self._held) < target:
            await self._take(connection, target)

    async def _give_up(self, connection: asyncpg.Connection, target: int) -> None:
        async with self._guard:
            surplus = sorted(self._held)[target:]
            self._hold(self._held - frozenset(surplus))
            await connection.execute(
                "SELECT pg_advisory_unlock($1, item) FROM unnest($2::int[]) AS item", self._class, surplus
            )

    async def _take(self, connection: asyncpg.Connection, target: int) -> None:
        taken = {row[0] for row in await connection.fetch(TAKEN, self._class)}
        free = [item for item in self._items if item not in taken]
        random.shuffle(free)  # spreads contenders over free items
        wanted = free[: target - len(self._held)]
        got = await connection.fetch(
            "SELECT item FROM unnest($2::int[]) AS item WHERE pg_try_advisory_lock($1, item)",
            self._class,
            wanted,
        )
        if got and not connection.is_closed():
            self._hold(self._held | {row[0] for row in got})

    def _hold(self, items: frozenset[int]) -> None:
        if items != self._held:
            self._held = items
            self._changed.set()

    def _lose(self, connection: object) -> None:
        if connection is self._connection:  # a session that was given up already may end late
            self._hold(frozenset())
            self._lost.set()

    async def _close(self) -> None:
        async with self._guard:
            self._hold(frozenset())
            connection, self._connection = self._connection, None
            if connection is not None:
                with contextlib.suppress(Exception):
                    await connection.close(timeout=1)


async def _either(stop: asyncio.Event, other: asyncio.Event | None, seconds: float) -> None:
    waits = {asyncio.create_task(event.wait()) for event in (stop, other) if event}
    _, left = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in left:
        task.cancel()
