"""What matching's tests on the real database share: a migrated schema, and how to read what was said."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest_asyncio

from deploy.local import databases
from deploy.local.postgres import PostgresServer
from services.matching.handlers.matchmaking import Matchmaker
from services.matching.handlers.profiles import Described, Description, describe_therapist
from services.matching.handlers.roster import Roster
from services.matching.handlers.sites import know_sites
from shared import web
from shared.contracts.topics import TOPICS
from shared.messaging import MIGRATIONS, Database
from shared.postgres import migrate, open_pool
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
            return await describe_therapist(Description(one.id, one.profile, seen), tx)

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
    """One migrated database for all of these tests."""
    admin, name = postgres_server.dsn("postgres"), "matching_tests"
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
