"""What scheduling's tests share: a migrated database, and how to read what was said."""

from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from deploy.local import databases
from deploy.local.postgres import PostgresServer
from services.scheduling.main import migrations
from shared.postgres import migrate
from tests.scheduling.store import NOW, Store, open_store
from tests.stack_fixtures import TEMPLATE

MIGRATED = "scheduling_tests"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def migrated(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """The database of these tests, with every table."""
    admin = postgres_server.dsn("postgres")
    await databases.create_from_template(admin, MIGRATED, TEMPLATE)
    await migrate(postgres_server.dsn(MIGRATED, "scheduling"), schema="scheduling", folders=migrations())
    yield MIGRATED
    await databases.drop(admin, MIGRATED)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def opened(postgres_server: PostgresServer, migrated: str) -> AsyncIterator[Store]:
    """Connections that stay warm from test to test."""
    admin = await asyncpg.connect(postgres_server.dsn(migrated))
    async with open_store(postgres_server.dsn(migrated, "scheduling"), admin) as store:
        yield store
    await admin.close()


@pytest_asyncio.fixture(loop_scope="session")
async def store(opened: Store) -> AsyncIterator[Store]:
    """An empty database; afterwards nothing in it may be wrong."""
    await opened.empty()
    opened.now = NOW
    yield opened
    assert await opened.wrong() == []
