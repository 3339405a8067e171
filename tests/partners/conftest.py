"""The schema of partners on a real database, and its application with organisations that have keys."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_bytes
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from fastapi import FastAPI

from deploy.local import secrets
from services.partners.handlers.keys import create_key
from services.partners.main import migrations, serve
from services.partners.settings import Settings
from shared.messaging import Database
from shared.postgres import migrate, open_pool
from shared.web import create_app
from shared.web.keys import RANDOM_BYTES, NewKey, make_key
from tests.partners.appointments import NOW
from tests.stack_fixtures import FreshDatabase
from tests.waiting import PATIENCE, running

Client = httpx2.AsyncClient


@dataclass(slots=True)
class Clock:
    """The time of the tests."""

    now: Any = NOW


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture(loop_scope="session")
async def partners(database: FreshDatabase, clock: Clock) -> AsyncIterator[Database]:
    dsn = database.dsn("partners")
    await migrate(dsn, schema="partners", folders=migrations())
    pool = await open_pool(dsn, schema="partners", size=4, name="tests")
    yield Database(pool, source="partners", dsn=dsn, lane_of=lambda _: "routine", clock=lambda: clock.now)
    await asyncio.wait_for(pool.close(), PATIENCE)


@pytest.fixture(scope="module")
def signing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a deployment's secrets."""
    folder = tmp_path_factory.mktemp("secrets")
    secrets.prepare(folder, ())
    return folder


@pytest_asyncio.fixture(loop_scope="session")
async def app(partners: Database, signing: Path) -> AsyncIterator[FastAPI]:
    """As the api role serves it, with its loop."""
    made = create_app("partners")
    watch = serve(made, Settings(token_public_key_file=signing / secrets.TOKEN_PUBLIC_KEY), partners)
    stop = asyncio.Event()
    async with running(stop, watch.run(stop)):
        yield made


@asynccontextmanager
async def asking(app: FastAPI, key: str) -> AsyncIterator[Client]:
    """A client that shows this key."""
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://tests", headers={"Authorization": f"Bearer {key}"}
    ) as client:
        yield client


Entitle = Callable[[str], Awaitable[NewKey]]


@pytest.fixture
def entitle(partners: Database) -> Entitle:
    """Gives an organisation its first key."""

    async def give(organisation: str) -> NewKey:
        key = make_key(token_bytes(RANDOM_BYTES))
        async with partners.transaction() as tx:
            await create_key(target_of(key, organisation), "tests", tx)
        return key

    return give


def target_of(key: NewKey, organisation: str, **more: Any) -> dict[str, Any]:
    """As the console asks for it."""
    said = {"key_id": key.key_id, "digest": key.digest.hex(), "scopes": ["bookings.read"]}
    return {**said, "organisation": organisation, **more}
