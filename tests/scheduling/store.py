"""A scheduling database for tests: handlers on it, what they said, and what must never be wrong."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from deploy.local.postgres import PostgresServer
from services.scheduling.handlers import KNOWING_HANDLERS
from shared.contracts.base import Event
from shared.contracts.topics import EVENTS, TOPICS
from shared.messaging import Database, Transaction
from shared.messaging.admission import Policy
from shared.messaging.apply import Handler, Reader, apply_events
from shared.messaging.envelope import Envelope
from shared.messaging.incoming import Incoming
from shared.postgres import open_pool

LANES = {topic.name: topic.lane for topic in TOPICS}
NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)  # a Monday, 10:00 in Karachi
READER = Reader(
    "scheduling",
    {one.type_name: handler for one, handler in KNOWING_HANDLERS.items()},
    EVENTS,
    frozenset(EVENTS),
    Policy(),
)
CHECKS = ("double_bookings", "incomplete_appointments", "wrong_weekly_loads", "wrong_holds")
KEPT = {"migrations"}
WRITTEN = (
    "appointments",
    "appointment_changes",
    "reservations",
    "weekly_load",
    "case_fences",
    "outbox",
    "sites",
    "rooms",
    "calendars",
    "rules",
)


@dataclass(slots=True)
class Store:
    """`now` is what handlers take for the time."""

    database: Database
    admin: asyncpg.Connection
    dsn: str
    now: datetime = NOW

    async def handle(
        self, handler: Handler, events: Sequence[Event], traces: dict[str, str] | None = None
    ) -> None:
        """One call of a handler in a transaction of its own."""
        async with self.database.transaction(traces) as tx:
            await handler(events, tx)

    async def hear(self, *events: Event) -> None:
        """One batch as the kernel applies it: in waves, and with whatever waited for them."""
        async with self.database.transaction() as tx:
            await apply_events(tx, READER, [incoming(one, tx) for one in events])

    def transaction(self) -> Any:
        """For use cases of HTTP."""
        return self.database.transaction()

    async def said(self, *types: type[Event], case_id: UUID | None = None) -> list[Any]:
        """What is in the outbox, oldest first, as events."""
        names = [one.type_name for one in types]
        rows = await self.admin.fetch("SELECT type, payload FROM scheduling.outbox ORDER BY id")
        events = [
            EVENTS[r["type"]](**orjson.loads(r["payload"])) for r in rows if not names or r["type"] in names
        ]
        return [one for one in events if case_id is None or getattr(one, "case_id", None) == case_id]

    async def rows(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        """Rows of a query on scheduling's tables, as an operator sees them."""
        return [dict(row) for row in await self.admin.fetch(query, *parameters)]

    async def state(self) -> dict[str, list[dict[str, Any]]]:
        """Everything that handlers write, to compare."""
        return {
            name: await self.rows(f"SELECT * FROM scheduling.{name} ORDER BY 1, 2, 3") for name in WRITTEN
        }

    async def count(self, table: str) -> int:
        """Rows of a table."""
        return int(await self.admin.fetchval(f"SELECT count(*) FROM scheduling.{table}"))

    async def empty(self) -> None:
        """Deletes whatever was written: a hundred times faster than another database."""
        tables = await self.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'scheduling'")
        async with self.admin.transaction():
            await self.admin.execute(
                "SET LOCAL session_replication_role = replica"
            )  # foreign keys do not fire
            await self.admin.execute(
                ";".join(
                    f"DELETE FROM scheduling.{row['tablename']}"
                    for row in tables
                    if row["tablename"] not in KEPT
                )
            )

    async def wrong(self) -> list[tuple[str, Any]]:
        """Every row of the checks, which have none."""
        found: list[tuple[str, Any]] = []
        for check in CHECKS:
            found += [
                (check, dict(row)) for row in await self.admin.fetch(f"SELECT * FROM scheduling.{check}")
            ]
        return found


def incoming(event: Event, tx: Transaction) -> Incoming:
    """An event that has just been read."""
    envelope = Envelope(tx.new_id(), event.type_name, "tests", tx.now, event.key, 1, None, b"")
    return Incoming(event.destination, event.key, envelope=envelope, event=event)


@asynccontextmanager
async def open_store(dsn: str, admin: asyncpg.Connection, *, size: int = 10) -> AsyncIterator[Store]:
    """A store on a migrated database."""
    pool = await open_pool(dsn, schema="scheduling", size=size, name="test:scheduling")
    try:
        store = Store(Database(pool, source="scheduling", dsn=dsn, lane_of=LANES.__getitem__), admin, dsn)
        store.database._clock = lambda: store.now
        yield store
    finally:
        await pool.close()


@asynccontextmanager
async def empty_store(server: PostgresServer, database: str) -> AsyncIterator[Store]:
    """One without a row, for a machine that has a loop of its own."""
    admin = await asyncpg.connect(server.dsn(database))
    async with open_store(server.dsn(database, "scheduling"), admin) as store:
        await store.empty()
        yield store
    await admin.close()


__all__ = ["CHECKS", "NOW", "Store", "Transaction", "empty_store", "open_store"]
