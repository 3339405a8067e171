"""Forgetting in time, in bites, the kernel's rows and a service's own."""

import asyncio
from typing import Any

import asyncpg

from shared.messaging.retention import Retention
from tests.shared.messaging.notes import opened
from tests.waiting import running, until


async def test_a_services_own_tables_are_swept_bite_by_bite_until_nothing_is_left(database: Any) -> None:
    bites = []

    async def sweep(connection: asyncpg.Connection, bite: int) -> bool:
        bites.append(await connection.fetchval("SELECT $1::int", bite))
        return len(bites) < 3

    async with opened(database.dsn("matching")) as db:
        stop = asyncio.Event()
        async with running(stop, Retention(db, [sweep]).run(stop)):
            await until(lambda: len(bites) == 3, "three bites")
    assert bites == [5000, 5000, 5000]
