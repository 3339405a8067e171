"""What the tests of the worklist share: every service's tables as in production, the console's real routes, and staff."""

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx2
import orjson
import pytest
import pytest_asyncio
from fastapi import FastAPI

from deploy.local import databases, secrets
from deploy.local.postgres import PostgresServer
from services.console import roles
from services.console.handlers import HANDLERS
from services.console.settings import ServeSettings
from shared import messaging, web
from shared.contracts import matching, notifications
from shared.contracts.topics import TOPICS
from shared.messaging import Database
from shared.postgres import migrate, open_pool
from shared.settings import ProcessSettings
from shared.web import TokenSigner
from tests.stack_fixtures import TEMPLATE

SERVICES = Path(__file__).parents[2] / "services"
LANES = {topic.name: topic.lane for topic in TOPICS}
TRACES = "http://127.0.0.1:9411"
OUTCOMES = ("rebooked", "told", "stays", "not_reached")
Headers = Callable[..., dict[str, str]]


@dataclass(slots=True)
class Worklist:
    """The console on a database of its own; `client` asks its routes."""

    database: Database
    admin: Any
    app: FastAPI
    client: httpx2.AsyncClient

    async def hear(self, *events: Any) -> None:
        """What a service said, in one transaction."""
        async with self.database.transaction() as tx:
            for event in events:
                await HANDLERS[type(event)]([event], tx)

    async def opens(self, **changes: Any) -> UUID:
        """matching opens a task for coordinators, due in an hour."""
        now = datetime.now(UTC)
        said: dict[str, Any] = {
            "task_id": uuid4(), "kind": "hour", "queue": "coordinator", "outcomes": OUTCOMES,
            "due_by": now + timedelta(hours=1), "priority": 1, "opened_at": now,
        }  # fmt: skip
        event = matching.TaskOpened(**said | changes)
        await self.hear(event)
        return event.task_id

    async def closes(self, task: UUID, outcome: str = "not_needed", by: str = "system") -> None:
        """matching closes it."""
        await self.hear(
            matching.TaskClosed(task_id=task, outcome=outcome, closed_by=by, closed_at=datetime.now(UTC))
        )

    async def row(self, task: UUID) -> dict[str, Any]:
        return dict(await self.admin.fetchrow("SELECT * FROM console.tasks WHERE task_id = $1", task))

    async def said(self) -> list[dict[str, Any]]:
        rows = await self.admin.fetch("SELECT type, payload FROM console.outbox ORDER BY id")
        return [orjson.loads(row["payload"]) | {"type": row["type"]} for row in rows]

    async def add_case(self, code: str) -> UUID:
        """A case as intake keeps it."""
        case = uuid4()
        await self.admin.execute(
            "INSERT INTO intake.cases (case_id, case_code, person_id, attendee_id, gate, province, card_language,"
            " alarmed, needs, triage, submitted_at) VALUES ($1, $2, $1, $1, 'open', 'PK-PB', 'en', false, '{}', '{}',"
            " now() - interval '1 day')",
            case, code,
        )  # fmt: skip
        return case


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def console_database(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """The name of one migrated database for all of these tests."""
    name, admin = f"console_{uuid4().hex[:8]}", postgres_server.dsn("postgres")
    await databases.create_from_template(admin, name, TEMPLATE)
    folders = {
        "vault": [SERVICES / "intake" / "vault_migrations"],
        "intake": [messaging.MIGRATIONS, web.MIGRATIONS, SERVICES / "intake" / "migrations"],
        "matching": [messaging.MIGRATIONS, web.MIGRATIONS, SERVICES / "matching" / "migrations"],
        "notifications": [messaging.MIGRATIONS, SERVICES / "notifications" / "migrations"],
        "console": roles.MIGRATIONS,
    }
    for schema, those in folders.items():
        await migrate(postgres_server.dsn(name, schema), schema=schema, folders=those)
    yield name
    await databases.drop(admin, name)


@pytest.fixture(scope="session")
def signing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a deployment's secrets."""
    folder = tmp_path_factory.mktemp("console_secrets")
    secrets.prepare(folder, ("console",))
    return folder


@pytest.fixture(scope="session")
def staff(signing: Path) -> Headers:
    """Headers of somebody on the staff, by role."""

    def signed(role: str = "coordinator", name: str = "Asma", **claims: str) -> dict[str, str]:
        said = {**({"name": name} if name else {}), **claims}
        token = TokenSigner(signing / secrets.TOKEN_KEY).sign(
            f"s-{name.lower()}", role, said, now=time.time()
        )
        return {"Authorization": f"Bearer {token}"}

    return signed


@pytest.fixture
def bootstrap() -> str:
    """Where no broker is; tests that need one say where it is."""
    return "127.0.0.1:1"


@pytest.fixture
def notifications_url() -> str:
    """Where nobody knows how people are reached; tests that ask say where it is."""
    return "http://127.0.0.1:1"


@pytest_asyncio.fixture(loop_scope="session")
async def worklist(
    postgres_server: PostgresServer,
    console_database: str,
    signing: Path,
    bootstrap: str,
    notifications_url: str,
) -> AsyncIterator[Worklist]:
    """An empty one for every test."""
    admin = await asyncpg.connect(postgres_server.dsn(console_database))
    tables = await admin.fetch(
        "SELECT schemaname, tablename FROM pg_tables WHERE tablename <> 'migrations' AND schemaname IN"
        " ('console', 'intake', 'matching', 'notifications')"
    )
    names = ", ".join(f'{row["schemaname"]}."{row["tablename"]}"' for row in tables)
    await admin.execute(f"TRUNCATE {names} CASCADE")
    dsn = postgres_server.dsn(console_database, "console")
    pool = await open_pool(dsn, schema="console", size=3, name="tests")
    database = Database(pool, source="console", dsn=dsn, lane_of=LANES.__getitem__)
    app = web.create_app("console")
    settings = ServeSettings(
        token_public_key_file=signing / secrets.TOKEN_PUBLIC_KEY,
        service_token_file=secrets.token_file(signing, "console"),
        zipkin_url=TRACES,
        notifications_url=notifications_url,
        process=ProcessSettings(kafka_bootstrap_servers=bootstrap),
    )
    roles.serve(app, settings, database)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://tests") as client:
        yield Worklist(database, admin, app, client)
    await pool.close()
    await admin.close()


def tell_by_hand(case: UUID | None = None, **changes: Any) -> notifications.TaskOpened:
    """notifications asks somebody to tell a person what no message could."""
    now = datetime.now(UTC)
    said: dict[str, Any] = {
        "task_id": uuid4(), "kind": "tell_by_hand", "queue": "coordinator", "outcomes": ("told", "not_reached"),
        "due_by": now + timedelta(minutes=30), "priority": 1, "case_id": case, "opened_at": now,
    }  # fmt: skip
    return notifications.TaskOpened(**said | changes)
