"""All applications on one real database, their tokens, and things to ask for."""

import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest
import pytest_asyncio
from fastapi import FastAPI

from deploy.applications import APPLICATIONS, CALLERS, LANES, build
from deploy.local import databases, secrets
from deploy.local.postgres import PostgresServer
from services.console.roles import MIGRATIONS as CONSOLE_MIGRATIONS
from services.partners.main import migrations as partners_migrations
from services.scheduling.main import migrations as scheduling_migrations
from shared import messaging, web
from shared.messaging import Database
from shared.postgres import migrate, open_pool
from tests.authorization.asking import Operation, Tokens
from tests.authorization.things import (
    ORGANISATIONS,
    Make,
    Things,
    of_console,
    of_intake,
    of_matching,
    of_notifications,
    of_partners,
    of_scheduling,
)
from tests.browser.serving import serving
from tests.matching import examples
from tests.scheduling.store import Store, open_store
from tests.stack_fixtures import TEMPLATE

SERVICES = Path(__file__).parents[2] / "services"
# The vault first: intake's schema looks into it.
SCHEMAS = {
    "vault": [SERVICES / "intake" / "vault_migrations"],
    "intake": [messaging.MIGRATIONS, web.MIGRATIONS, SERVICES / "intake" / "migrations"],
    "matching": [messaging.MIGRATIONS, web.MIGRATIONS, SERVICES / "matching" / "migrations"],
    "scheduling": scheduling_migrations(),
    "partners": partners_migrations(),
    "notifications": [messaging.MIGRATIONS, SERVICES / "notifications" / "migrations"],
    "console": CONSOLE_MIGRATIONS,
}
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Stage:
    """The applications by name, and the databases by schema; things are made once per operation, so that none spoils another's."""

    apps: Mapping[str, FastAPI]
    opened: Mapping[str, Database]
    clients: Mapping[str, httpx2.AsyncClient]
    makers: Mapping[str, Make]
    tokens: Tokens
    made: dict[Operation, tuple[Things, Things]] = field(default_factory=dict)

    async def things(self, operation: Operation) -> tuple[Things, Things]:
        """Somebody's, and somebody else's."""
        if operation not in self.made:
            make = self.makers[APPLICATIONS[operation.application].schema]
            own, foreign = [await make(organisation) for organisation in ORGANISATIONS]
            self.made[operation] = own, foreign
        return self.made[operation]


@pytest.fixture(scope="session")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Tokens]:
    """The folder of a deployment's secrets, and tokens of it."""
    ours, theirs = tmp_path_factory.mktemp("secrets"), tmp_path_factory.mktemp("forger")
    for folder in (ours, theirs):
        secrets.prepare(folder, CALLERS)
    return ours, Tokens.made(ours, theirs)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stage(postgres_server: PostgresServer, tokens: tuple[Path, Tokens]) -> AsyncIterator[Stage]:
    """Everything on one migrated database, as it is in production: a schema and a role for each service."""
    folder, signing = tokens
    name, admin_dsn = f"authorization_{next(_numbers)}", postgres_server.dsn("postgres")
    await databases.create_from_template(admin_dsn, name, TEMPLATE)
    for schema, folders in SCHEMAS.items():
        await migrate(postgres_server.dsn(name, schema), schema=schema, folders=folders)
    async with AsyncExitStack() as leaving:
        admin = await asyncpg.connect(postgres_server.dsn(name))
        leaving.push_async_callback(admin.close)
        store = await leaving.enter_async_context(
            open_store(postgres_server.dsn(name, "scheduling"), admin, size=3)
        )
        opened = {"scheduling": store.database}
        for schema in ("intake", "vault", "matching", "partners", "notifications", "console"):
            opened[schema] = await _open(leaving, postgres_server.dsn(name, schema), schema)
        # The crisis role asks the vault over the network, as in production.
        vault = build("intake-vault", folder, opened["vault"])
        environment = leaving.enter_context(pytest.MonkeyPatch.context())
        environment.setenv("VAULT_URL", await leaving.enter_async_context(serving(vault)))
        apps = {one: build(one, folder, opened[each.schema]) for one, each in APPLICATIONS.items()}
        clients = {one: await leaving.enter_async_context(_client(app)) for one, app in apps.items()}
        yield Stage(apps, opened, clients, _makers(apps, opened, store, admin), signing)
    await databases.drop(admin_dsn, name)


def _makers(
    apps: Mapping[str, FastAPI], opened: Mapping[str, Database], store: Store, admin: Any
) -> dict[str, Make]:
    intake = of_intake(apps["intake"], admin, opened["intake"])
    return {
        "intake": intake,
        "vault": intake,
        "matching": of_matching(opened["matching"]),
        "scheduling": of_scheduling(store),
        "partners": of_partners(opened["partners"]),
        "notifications": of_notifications(opened["notifications"]),
        "console": of_console(opened["console"], admin),
    }


async def _open(leaving: AsyncExitStack, dsn: str, schema: str) -> Database:
    pool = await open_pool(dsn, schema=schema, size=3, name=f"test:{schema}")
    leaving.push_async_callback(pool.close)
    clock = (lambda: examples.NOW) if schema == "matching" else None
    return Database(pool, source=schema, dsn=dsn, lane_of=LANES.__getitem__, clock=clock)


def _client(app: FastAPI) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://tests")
