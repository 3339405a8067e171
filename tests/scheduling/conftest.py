"""What scheduling's tests share: a migrated database, and how to read what was said."""

import itertools
from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from deploy.local import databases
from deploy.local.postgres import PostgresServer
from services.scheduling.main import migrations
from shared.postgres import migrate
from tests.scheduling.store import Store, open_store
from tests.stack_fixtures import TEMPLATE

MIGRATED = "scheduling_template"
_numbers = itertools.count(1)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def migrated(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """A database with every table and nothing in it, to be copied."""
    admin = postgres_server.dsn("postgres")
    await databases.create_from_template(admin, MIGRATED, TEMPLATE)
    await migrate(postgres_server.dsn(MIGRATED, "scheduling"), schema="scheduling", folders=migrations())
    yield MIGRATED
    await databases.drop(admin, MIGRATED)


@pytest_asyncio.fixture(loop_scope="session")
async def store(postgres_server: PostgresServer, migrated: str) -> AsyncIterator[Store]:
    """A fresh database of one test; afterwards nothing in it may be wrong."""
    admin_dsn, name = postgres_server.dsn("postgres"), f"scheduling_{next(_numbers)}"
    await databases.create_from_template(admin_dsn, name, migrated)
    admin = await asyncpg.connect(postgres_server.dsn(name))
    async with open_store(postgres_server.dsn(name, "scheduling"), admin) as opened:
        yield opened
        assert await opened.wrong() == []
    await admin.close()
    await databases.drop(admin_dsn, name)
