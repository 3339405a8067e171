"""What matching's tests on the real database share: a migrated schema, and how to read what was said."""

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import orjson
import pytest
import pytest_asyncio
from joserfc.jwk import OKPKey

from deploy.local import databases
from deploy.local.postgres import PostgresServer
from services.matching.handlers.matchmaking import Matchmaker
from services.matching.handlers.profiles import Described, Description, describe_therapist
from services.matching.handlers.roster import Roster
from services.matching.handlers.sites import know_sites
from services.matching.main import serve
from services.matching.settings import Settings
from shared import web
from shared.contracts.topics import TOPICS
from shared.messaging import MIGRATIONS, Database
from shared.postgres import migrate, open_pool
from shared.web import TokenSigner
from tests.matching.events import a_site
from tests.matching.examples import CITIES, NOW, POLICY, SITES, therapist
from tests.stack_fixtures import TEMPLATE

FOLDER = Path(__file__).parents[2] / "services" / "matching" / "migrations"
LANES = {topic.name: topic.lane for topic in TOPICS}


@dataclass(slots=True)
class Office:
    """Matching on a database of its own, at a moment that tests set."""

    database: Database
    roster: Roster
    matchmaker: Matchmaker
    now: Any

    async def describe(self, number: int, seen: int | None = None, **changes: Any) -> Described:
        one = therapist(number, **changes)
        async with self.database.transaction() as tx:
            return await describe_therapist(
                Description(one.id, one.profile, seen), tx, POLICY.credentials.validity
            )

    async def know_sites(self) -> None:
        async with self.database.transaction() as tx:
            await know_sites([a_site(site) for site in SITES.values()], tx)

    async def hear(self, handler: Any, *events: Any) -> None:
        """One call of one handler, in a transaction of its own."""
        async with self.database.transaction() as tx:
            await handler(events, tx)

    async def said(self, kind: str = "") -> list[dict[str, Any]]:
        """What stands in the outbox of this type (any by default), oldest first."""
        rows = await self.database.pool.fetch("SELECT topic, type, lane, payload FROM outbox ORDER BY id")
        return [
            orjson.loads(row["payload"])
            | {"topic": row["topic"], "type": row["type"], "outbox_lane": row["lane"]}
            for row in rows
            if kind in row["type"]
        ]

    async def made(self, mode: str = "book") -> list[dict[str, Any]]:
        """The matches that are to be booked, or (`offer`) to be kept while somebody chooses."""
        return [one for one in await self.said("match_made") if one["mode"] == mode]

    async def case(self, case_id: UUID) -> dict[str, Any]:
        row = await self.database.pool.fetchrow("SELECT * FROM cases WHERE case_id = $1", case_id)
        assert row is not None
        return dict(row)

    async def loads(self) -> dict[int, int]:
        """Open cases of those therapists who have any; they must agree with the cases that name them."""
        rows = await self.database.pool.fetch("SELECT * FROM loads WHERE open_cases > 0")
        held = await self.database.pool.fetch(
            "SELECT holder, count(*) AS cases FROM cases WHERE holder IS NOT NULL GROUP BY holder"
        )
        assert {row["therapist_id"]: row["open_cases"] for row in rows} == {
            r["holder"]: r["cases"] for r in held
        }
        return {row["therapist_id"].int: row["open_cases"] for row in rows}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def matching_dsn(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """One migrated database for all of these tests; the browser's, which borrow this, have another."""
    admin, name = postgres_server.dsn("postgres"), f"matching_{uuid4().hex[:8]}"
    await databases.create_from_template(admin, name, TEMPLATE)
    dsn = postgres_server.dsn(name, "matching")
    await migrate(dsn, schema="matching", folders=[MIGRATIONS, web.MIGRATIONS, FOLDER])
    yield dsn
    await databases.drop(admin, name)


@pytest_asyncio.fixture(loop_scope="session")
async def office(matching_dsn: str) -> AsyncIterator[Office]:
    """An empty one for every test."""
    pool = await open_pool(matching_dsn, schema="matching", size=4, name="tests")
    tables = await pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'matching'")
    names = [row["tablename"] for row in tables if row["tablename"] != "migrations"]
    await pool.execute(f"TRUNCATE {', '.join(names)}")
    clock = {"now": NOW}
    kept = Database(
        pool, source="matching", dsn=matching_dsn, lane_of=LANES.__getitem__, clock=lambda: clock["now"]
    )
    roster = Roster(POLICY, CITIES)
    yield Office(kept, roster, Matchmaker(POLICY, roster), clock)
    await pool.close()


@pytest.fixture(scope="session")
def signing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a private key and the public ones that go with it."""
    folder = tmp_path_factory.mktemp("signing")
    key = OKPKey.generate_key("Ed25519", parameters={"kid": "tests"}, private=True)
    (folder / "private").write_bytes(orjson.dumps(key.as_dict(private=True)))
    (folder / "public").write_bytes(orjson.dumps(TokenSigner(folder / "private").public_keys()))
    return folder


@pytest.fixture
def session(signing: Path) -> Callable[..., dict[str, str]]:
    """Headers of somebody who has signed in: a person for their case, or staff."""

    def signed(case_id: str = "", role: str = "person") -> dict[str, str]:
        claims = {"case_id": case_id} if case_id else {}
        token = TokenSigner(signing / "private").sign("somebody", role, claims, now=time.time())
        return {"authorization": f"Bearer {token}", "idempotency-key": uuid4().hex}

    return signed


@pytest.fixture
def coordinator(signing: Path) -> dict[str, str]:
    """Headers of a coordinator who has a name."""
    return _named(signing, "Asma")


@pytest.fixture
def other(signing: Path) -> dict[str, str]:
    """Headers of another one."""
    return _named(signing, "Bilal")


def _named(signing: Path, name: str) -> dict[str, str]:
    signer = TokenSigner(signing / "private")
    token = signer.sign(f"staff-{name}", "coordinator", {"name": name}, now=time.time())
    return {"authorization": f"Bearer {token}"}


@pytest_asyncio.fixture(loop_scope="session")
async def frontend(office: Office, signing: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """The real routes; nobody has signed in yet."""
    app = web.create_app("matching")
    serve(app, Settings(token_public_key_file=signing / "public"), POLICY, office.database)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    headers = {"content-type": "application/json"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://tests", headers=headers) as client:
        yield client
