"""A domain-free event for the kernel's own tests, and what they need around it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar
from uuid import UUID

from shared.contracts.base import Event, Lane, Topic
from shared.messaging import MIGRATIONS, Database, Transaction
from shared.messaging.outbox import partition_of
from shared.postgres import migrate, open_pool
from tests.waiting import PATIENCE

ROLE = "matching"  # any service's role and schema will do: the kernel's tables are the same in all


class NoteWritten(Event):
    """Something about a page; `number` counts what was said about it."""

    type_name: ClassVar[str] = "tests.note_written.v1"
    topic: ClassVar[str] = "tests.notes"
    key_field: ClassVar[str] = "page"

    page: str
    number: int


class NoteStruck(Event):
    """Another type on the same topic and key."""

    type_name: ClassVar[str] = "tests.note_struck.v1"
    topic: ClassVar[str] = "tests.notes"
    key_field: ClassVar[str] = "page"

    page: str
    number: int


def routine(_topic: str) -> Lane:
    return "routine"


@asynccontextmanager
async def opened(dsn: str, *, size: int = 10) -> AsyncIterator[Database]:
    """A migrated database with the kernel's tables and one more that handlers write to."""
    await migrate(dsn, schema=ROLE, folders=[MIGRATIONS])
    pool = await open_pool(dsn, schema=ROLE, size=size, name="tests")
    try:
        await pool.execute(
            "CREATE TABLE IF NOT EXISTS applied (id bigint GENERATED ALWAYS AS IDENTITY, page text, number int, type text)"
        )
        yield Database(pool, source=ROLE, dsn=dsn, lane_of=routine)
    finally:
        await asyncio.wait_for(pool.close(), PATIENCE)


async def record_notes(notes: Sequence[NoteWritten], tx: Transaction) -> None:
    """The simplest handler: one row per event."""
    await _record(notes, tx, "written")


async def record_strikes(notes: Sequence[NoteStruck], tx: Transaction) -> None:
    """The same for the other type."""
    await _record(notes, tx, "struck")


async def _record(notes: Sequence[Any], tx: Transaction, kind: str) -> None:
    assert len({note.page for note in notes}) == len(notes), "a handler never sees one key twice in a call"
    await tx.connection.execute(
        "INSERT INTO applied (page, number, type) SELECT page, number, $3 FROM unnest($1::text[], $2::int[]) AS n(page, number)",
        [note.page for note in notes],
        [note.number for note in notes],
        kind,
    )


HANDLERS = {NoteWritten: record_notes, NoteStruck: record_strikes}


async def applied(database: Database) -> dict[str, list[int]]:
    """What handlers have applied, per page, in order."""
    pages: dict[str, list[int]] = {}
    for row in await database.pool.fetch("SELECT page, number FROM applied ORDER BY id"):
        pages.setdefault(row["page"], []).append(row["number"])
    return pages


def topic(name: str, **changes: Any) -> Topic:
    return Topic(name=name, producer="tests", readers=("tests",), key="page", partitions=3, **changes)


def new_event_id(tx: Transaction) -> UUID:
    return tx.new_id()


__all__ = ["HANDLERS", "ROLE", "NoteStruck", "NoteWritten", "applied", "opened", "partition_of", "topic"]
