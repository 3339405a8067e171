"""All four steps in one process, as who takes a person the whole way has them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import asyncpg

from benchmarks.peers.settings import PeerSettings
from benchmarks.peers.steps.booking import Diary
from benchmarks.peers.steps.finding import Matchmaker
from benchmarks.peers.steps.opening import open_pool
from benchmarks.peers.steps.taking_in import Reception
from benchmarks.peers.steps.telling import Teller, telling
from shared.privacy import read_key

LARGEST_POOL = 12  # one for each step of each process, and a library's own beside them, of a server's 200


@dataclass(frozen=True, slots=True)
class Steps:
    """What a process that takes all of them has at hand; opened in the loop that runs them."""

    reception: Reception
    matchmaker: Matchmaker
    diary: Diary
    teller: Teller


@asynccontextmanager
async def opened(settings: PeerSettings, size: int) -> AsyncIterator[Steps]:
    """Ready to be called, each with so many connections."""
    async with AsyncExitStack() as stack:

        async def pool(schema: str) -> asyncpg.Pool:
            return await stack.enter_async_context(await open_pool(settings.database_url, schema, size))

        diary = Diary(await pool("scheduling"))
        await diary.open()
        teller = await stack.enter_async_context(telling(await pool("notifications"), settings))
        matchmaker = await Matchmaker.open(await pool("matching"))
        reception = Reception(await pool("intake"), read_key(settings.deployment_key_file))
        yield Steps(reception, matchmaker, diary, teller)
