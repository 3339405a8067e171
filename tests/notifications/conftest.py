"""Notifications on a real database with a clock of the test's own, and the world outside: vault, gateways, mail."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.local import secrets
from tests.notifications import facts
from tests.notifications.facts import Desk
from tests.notifications.outside import OutsideWorld, outside_world
from tests.stack_fixtures import FreshDatabase


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a deployment's secrets."""
    folder = tmp_path_factory.mktemp("secrets")
    secrets.prepare(folder, ())
    return folder


@pytest.fixture(autouse=True)
def known_issuer(issuer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose tokens the worker believes, wherever a test starts one."""
    monkeypatch.setenv("TOKEN_PUBLIC_KEY_FILE", str(issuer / secrets.TOKEN_PUBLIC_KEY))


@pytest_asyncio.fixture(loop_scope="session")
async def outside(tmp_path: Path) -> AsyncIterator[OutsideWorld]:
    async with outside_world(tmp_path) as world:
        yield world


@pytest_asyncio.fixture(loop_scope="session")
async def desk(database: FreshDatabase) -> AsyncIterator[Desk]:
    async with facts.desk(database.dsn("notifications")) as opened:
        yield opened
