"""Real PostgreSQL and real Kafka for the whole test run: started once, on free ports, gone at the end."""

import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.local import databases, kafka, postgres
from deploy.local.kafka import KafkaServer
from deploy.local.ports import free_port
from deploy.local.postgres import PostgresServer

TEMPLATE = "humqadam_template"
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class FreshDatabase:
    """A database of one test, with every role and schema in place and no table yet."""

    server: PostgresServer
    name: str

    def dsn(self, service: str, *, tcp: bool = False) -> str:
        """The address as that service's role sees it."""
        return self.server.dsn(self.name, service, tcp=tcp)

    @property
    def admin_dsn(self) -> str:
        return self.server.dsn(self.name)


@pytest.fixture(scope="session")
def stack_folder() -> Iterator[Path]:
    """Short, as a unix socket's path must be; removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="hq-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres_server(stack_folder: Path) -> AsyncIterator[PostgresServer]:
    """One server for the run; its template database is prepared already."""
    server = await postgres.start(stack_folder / "postgres", free_port(), durable=False)
    try:
        await databases.prepare(server.dsn("postgres"), TEMPLATE)
        yield server
    finally:
        await server.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def database(postgres_server: PostgresServer) -> AsyncIterator[FreshDatabase]:
    """A fresh copy of the template, dropped after the test."""
    async with a_database(postgres_server) as fresh:
        yield fresh


@asynccontextmanager
async def a_database(server: PostgresServer) -> AsyncIterator[FreshDatabase]:
    """The same for a test that has no loop of its own."""
    admin, name = server.dsn("postgres"), f"test_{next(_numbers)}"
    await databases.create_from_template(admin, name, TEMPLATE)
    yield FreshDatabase(server, name)
    await databases.drop(admin, name)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def kafka_server(stack_folder: Path) -> AsyncIterator[KafkaServer]:
    """One broker for the run; tests keep apart by the names of their topics."""
    server = await kafka.start(stack_folder / "kafka", free_port(), free_port())
    yield server
    await server.stop()


__all__ = ["FreshDatabase", "a_database", "database", "kafka_server", "postgres_server", "stack_folder"]
