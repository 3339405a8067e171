"""What intake's tests share: the real data files, a migrated database, and how to read what was said."""

import itertools
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
import pytest_asyncio

from deploy.local import databases
from deploy.local.postgres import PostgresServer
from services.intake.domain.policy import Policy
from services.intake.handlers.submission import Desk
from services.intake.settings.data_files import read_policy
from shared import messaging, web
from shared.contracts.topics import TOPICS
from shared.messaging import Database
from shared.postgres import migrate, open_pool
from shared.privacy import Sealer
from tests.stack_fixtures import TEMPLATE

SERVICE = Path(__file__).parents[2] / "services" / "intake"
LANES = {topic.name: topic.lane for topic in TOPICS}
WRAPPING_KEY = b"w" * 32
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
    return Desk(policy, Sealer(WRAPPING_KEY), os.urandom, lambda trace: trace)


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
    await admin.close()
    await intake.pool.close()
    await vault.pool.close()
    await databases.drop(admin_dsn, name)


async def _database(dsn: str, schema: str) -> Database:
    pool = await open_pool(dsn, schema=schema, size=6, name=f"test:{schema}")
    return Database(pool, source=schema, dsn=dsn, lane_of=LANES.__getitem__)
