"""Notifications on a real database with a clock of the test's own, and the world outside: vault, gateways, mail."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.notifications import facts
from tests.notifications.facts import Desk
from tests.notifications.outside import OutsideWorld, outside_world
from tests.stack_fixtures import FreshDatabase


@pytest_asyncio.fixture(loop_scope="session")
async def outside(tmp_path: Path) -> AsyncIterator[OutsideWorld]:
    async with outside_world(tmp_path) as world:
        yield world


@pytest_asyncio.fixture(loop_scope="session")
async def desk(database: FreshDatabase) -> AsyncIterator[Desk]:
    async with facts.desk(database.dsn("notifications")) as opened:
        yield opened
