"""What intake's tests share: the real data files, a migrated database, the real routes on it, tokens."""

import asyncio
import base64
import itertools
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import orjson
import pytest
import pytest_asyncio
from fastapi import FastAPI
from joserfc.jwk import OKPKey

from deploy.local import databases
from deploy.local.postgres import PostgresServer
from services.intake import roles
from services.intake.api.backlog import Backlog, Limits
from services.intake.api.cards import CardDeck
from services.intake.api.problems import with_card
from services.intake.domain.codes import pin
from services.intake.domain.policy import Policy
from services.intake.handlers.submission import Desk
from services.intake.settings import Settings
from services.intake.settings.data_files import read_policy
from shared import messaging, web
from shared.contracts.topics import TOPICS
from shared.messaging import Database
from shared.postgres import migrate, open_pool
from shared.privacy import Sealer, derive
from shared.web import TokenSigner, create_app
from tests.stack_fixtures import TEMPLATE
from tests.waiting import PATIENCE

SERVICE = Path(__file__).parents[2] / "services" / "intake"
LANES = {topic.name: topic.lane for topic in TOPICS}
WRAPPING_KEY = b"w" * 32
PIN_OF = partial(pin, derive(WRAPPING_KEY, "pin"))
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Said:
    """One row of the outbox."""

    type: str
    lane: str
    key: str
    traceparent: str | None
    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class IntakeDatabase:
    """Both schemas, as intake's role, as the vault's role, and as whoever may see everything."""

    intake: Database
    vault: Database
    admin: asyncpg.Connection
    intake_dsn: str
    vault_dsn: str

    async def said(self, case_id: str | None = None) -> list[Said]:
        """What is in the outbox, oldest first; of one case if it is named."""
        rows = await self.admin.fetch("SELECT * FROM intake.outbox ORDER BY id")
        said = [
            Said(r["type"], r["lane"], r["key"], r["traceparent"], orjson.loads(r["payload"])) for r in rows
        ]
        return [one for one in said if case_id in (None, one.event.get("case_id"))]

    async def rows(self) -> dict[str, int]:
        """How many rows every table of both schemas has."""
        names = await self.admin.fetch(
            "SELECT schemaname || '.' || tablename AS name FROM pg_tables"
            " WHERE schemaname IN ('intake', 'vault') ORDER BY 1"
        )
        return {r["name"]: await self.admin.fetchval(f"SELECT count(*) FROM {r['name']}") for r in names}


@pytest.fixture(scope="session")
def policy() -> Policy:
    return read_policy()


@pytest.fixture(scope="session")
def desk(policy: Policy) -> Desk:
    return Desk(policy, Sealer(WRAPPING_KEY), os.urandom, lambda trace: trace, PIN_OF)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def store(postgres_server: PostgresServer) -> AsyncIterator[IntakeDatabase]:
    """One migrated database for all of these tests; each uses cases of its own."""
    name, admin_dsn = f"intake_{next(_numbers)}", postgres_server.dsn("postgres")
    await databases.create_from_template(admin_dsn, name, TEMPLATE)
    intake_dsn, vault_dsn = postgres_server.dsn(name, "intake"), postgres_server.dsn(name, "vault")
    await migrate(vault_dsn, schema="vault", folders=[SERVICE / "vault_migrations"])
    await migrate(
        intake_dsn,
        schema="intake",
        folders=[messaging.MIGRATIONS, web.MIGRATIONS, SERVICE / "migrations"],
    )
    intake, vault = await _database(intake_dsn, "intake"), await _database(vault_dsn, "vault")
    admin = await asyncpg.connect(postgres_server.dsn(name))
    yield IntakeDatabase(intake, vault, admin, intake_dsn, vault_dsn)
    # A connection that some test has not given back would be waited for without end.
    async with asyncio.timeout(PATIENCE):
        await admin.close()
        await intake.pool.close()
        await vault.pool.close()
    await databases.drop(admin_dsn, name)


async def _database(dsn: str, schema: str) -> Database:
    pool = await open_pool(dsn, schema=schema, size=6, name=f"test:{schema}")
    return Database(pool, source=schema, dsn=dsn, lane_of=LANES.__getitem__)


@pytest.fixture(scope="session")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Files as a deployment has them."""
    folder = tmp_path_factory.mktemp("secrets")
    as_long_as_a_thumbprint = {"kid": "t" * 43}
    key = OKPKey.generate_key("Ed25519", parameters=as_long_as_a_thumbprint, private=True)
    files = {
        "deployment.key": base64.b64encode(WRAPPING_KEY).decode(),
        "token.json": json.dumps(key.as_dict(private=True)),
        "token.public.json": json.dumps({"keys": [key.as_dict(private=False)]}),
        "service_tokens.json": json.dumps(
            {"notifications": "n" * 32, "console": "c" * 32, "intake": "i" * 32}
        ),
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    return Settings(
        deployment_key_file=folder / "deployment.key",
        token_key_file=folder / "token.json",
        token_public_key_file=folder / "token.public.json",
        service_token_file=folder / "service_tokens.json",
    )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def backlog(store: IntakeDatabase, secrets: Settings) -> Backlog:
    """What waits to be sent, as the api role sees it when it is told to look."""
    return Backlog(store.intake, Limits(secrets.outbox_limit, secrets.most_wait_s))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def people(
    store: IntakeDatabase, secrets: Settings, policy: Policy, backlog: Backlog
) -> AsyncIterator[httpx2.AsyncClient]:
    """The api role's routes."""
    app = _app(policy)
    roles.serve_people(app, secrets, policy, store.intake, backlog)
    async with _client(app) as client:
        yield client


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def duty(store: IntakeDatabase, secrets: Settings, policy: Policy) -> AsyncIterator[httpx2.AsyncClient]:
    """The crisis role's routes."""
    app = _app(policy)
    roles.serve_crisis(app, secrets, policy, store.intake)
    async with _client(app) as client:
        yield client


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def vault(
    store: IntakeDatabase, secrets: Settings, policy: Policy
) -> AsyncIterator[httpx2.AsyncClient]:
    """The vault role's routes."""
    app = _app(policy)
    roles.serve_keys(app, secrets, store.vault)
    async with _client(app) as client:
        yield client


def _app(policy: Policy) -> FastAPI:
    return create_app("intake", on_problem=with_card(CardDeck(policy.lines, policy.other_help)))


def _client(app: FastAPI) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://intake")


@pytest.fixture(scope="session")
def token(secrets: Settings) -> Callable[..., dict[str, str]]:
    """Headers with a token of this role: token("duty_clinician", subject="s-1", name="Asma")."""
    signer = TokenSigner(secrets.token_key_file)

    def headers(
        role: str, *, subject: str = "somebody", minutes: float = 10, **claims: str
    ) -> dict[str, str]:
        signed = signer.sign(subject, role, claims, now=time.time(), minutes=minutes)
        return {"Authorization": f"Bearer {signed}"}

    return headers
