"""The code of today on the schema of tomorrow, as in every deployment: expand first, then the code, then contract."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from tests.flows.visiting import ALL_DAY, Town
from tests.waiting import until

pytestmark = pytest.mark.stack

TABLES = """
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
WHERE schemaname IN ('intake', 'vault', 'matching', 'scheduling', 'notifications', 'partners', 'console')
"""


@asynccontextmanager
async def of_tomorrow(here: Town) -> AsyncIterator[int]:
    """Every table of every service has a column that no code of today knows; how many tables that are."""
    async with here.looking() as admin:
        await admin.execute("SET lock_timeout = '1s'")
        tables = [row[0] for row in await admin.fetch(TABLES)]
        for table in tables:
            await alter(admin, f"ALTER TABLE {table} ADD COLUMN of_tomorrow text DEFAULT 'new'")
        try:
            yield len(tables)
        finally:
            for table in tables:
                await alter(admin, f"ALTER TABLE {table} DROP COLUMN of_tomorrow")


async def alter(admin: asyncpg.Connection, statement: str) -> None:
    """As a migration does it: gives way to whoever uses the table, and tries again."""

    async def done() -> bool:
        try:
            await admin.execute(statement)
        except asyncpg.LockNotAvailableError:
            return False
        return True

    await until(done, statement)


async def test_who_asks_while_the_schema_is_ahead_of_the_code_is_served(here: Town) -> None:
    await here.therapist("bal", *ALL_DAY)
    before = await here.request("03991000031", "bal")
    await here.appointment(before)
    async with of_tomorrow(here) as tables:
        assert tables > 60
        await here.therapist("skr", *ALL_DAY)
        during = await here.request("03991000032", "skr")
        await here.appointment(during)
        assert len(await here.texts(during, "Your appointment is on")) == 1
        await here.gives_back(before)
        assert len(await here.texts(before, "cancelled, as asked")) == 1
    await here.gives_back(during)
    assert len(await here.texts(during, "cancelled, as asked")) == 1
    async with here.looking() as admin:
        letters = "SELECT count(*) FROM {}.dead_letters WHERE state = 'open'"
        for service in ("intake", "matching", "scheduling", "notifications", "partners", "console"):
            assert await admin.fetchval(letters.format(service)) == 0
