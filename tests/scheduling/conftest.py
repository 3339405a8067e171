"""What scheduling's tests share: a migrated database, and how to read what was said."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx2
import orjson
import pytest
import pytest_asyncio
from joserfc.jwk import OKPKey

from deploy.local import databases
from deploy.local.postgres import PostgresServer
from services.scheduling.main import migrations, serve
from services.scheduling.settings import Settings
from shared.postgres import migrate
from shared.web import TokenSigner, create_app
from tests.scheduling.asking import token
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


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    key = OKPKey.generate_key("Ed25519", parameters={"kid": "tests"}, private=True)
    (folder / "private").write_bytes(orjson.dumps(key.as_dict(private=True)))
    (folder / "public").write_bytes(orjson.dumps(TokenSigner(folder / "private").public_keys()))
    return folder


@pytest_asyncio.fixture(loop_scope="session")
async def http(store: Store, keys: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """As a coordinator, unless the test says otherwise."""
    app = create_app("scheduling")
    serve(app, Settings(token_public_key_file=keys / "public"), store.database)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    headers = {"authorization": f"Bearer {token(keys, 'coordinator')}", "content-type": "application/json"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://tests", headers=headers) as client:
        yield client
