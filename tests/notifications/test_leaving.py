"""The sender leaves when told, whatever becomes of its database at that moment."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

from services.notifications.gateways.vault import Vault
from services.notifications.sender import messages
from services.notifications.sender.messages import Sender
from services.notifications.settings import SenderSettings
from services.notifications.templates import load_languages
from tests.notifications import facts
from tests.notifications.outside import TOKEN, outside_world
from tests.stack_fixtures import FreshDatabase
from tests.waiting import ended


async def test_a_database_that_goes_at_the_moment_of_the_stop_does_not_keep_the_sender(
    database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "AGE_SECONDS", 0.0)  # always in the middle of a look at the oldest message
    languages, settings = load_languages(), SenderSettings(poll_seconds=3600)
    async with outside_world(tmp_path) as outside, aiohttp.ClientSession() as session:
        vault = Vault(session, outside.url, TOKEN)
        for turn in range(20):
            async with facts.desk(database.dsn("notifications")) as desk:
                stop = asyncio.Event()
                sender = Sender(desk.database, vault, {}, languages, settings)
                running = asyncio.create_task(sender.run(stop))
                await asyncio.sleep(0.05)
                stop.set()
                await asyncio.sleep(turn % 5 * 0.0003)
                desk.pool.terminate()
                await ended([running], 20)
