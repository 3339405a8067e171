"""The process dies while it reads a file: what it had told is there, and the file sent again makes nothing twice."""

import asyncio
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from deploy.local import databases
from deploy.local.ports import free_port
from services.intake.settings import Settings
from simulation.asking import Asked
from simulation.client_log import ClientLog, read_client_log
from simulation.handing_over import File, files, hand_over
from simulation.http_client import Address
from simulation.population import Person, people
from tests.intake.test_handed_over import NOW
from tests.intake.test_processes import folder, prepare, running, server, start
from tests.waiting import until

pytestmark = pytest.mark.processes
__all__ = ["folder"]

KILLS = 4
# Nobody of the office that sends a table: one file of lines, long enough that every process dies inside of it.


@cache
def everybody() -> list[Person]:
    return list(people(7, 4100, NOW))[100:]


async def test_a_file_that_is_sent_until_it_is_answered_makes_one_case_a_line_whatever_dies(
    folder: Path, secrets: Settings, token: Callable[..., dict[str, str]]
) -> None:
    port, asked = free_port(), Asked()
    bearer = token("coordinator")["Authorization"].removeprefix("Bearer ")
    (folder / "postgres").mkdir()
    async with server(folder) as database:
        await prepare(database, folder, secrets)
        look = await asyncpg.connect(database.dsn(databases.NAME))
        log = ClientLog(folder / "client.jsonl")
        handed = [_in_one(list(files(everybody(), uuid4().hex[:8])))]
        sending = asyncio.create_task(hand_over(Address("127.0.0.1", port), handed, bearer, log, asked))
        seen = 0
        for _ in range(KILLS):
            api = start("api", folder, secrets, port)
            async with running(api):
                seen = await until(lambda: _more(look, seen), "cases of this life")  # noqa: B023
                await asyncio.sleep(random.random() * 0.05)
                api.kill()
                await api.wait()
        async with running(start("api", folder, secrets, port)):
            await sending
            log.close()
            assert (asked.refused, asked.unanswered) == ([], 0)
            assert await look.fetchval("SELECT count(*) FROM intake.cases") == len(everybody())
            told = list(read_client_log(folder / "client.jsonl"))
            assert {one.case_code for one in told} == set(
                await look.fetchval("SELECT array_agg(case_code) FROM intake.cases")
            )
        await look.close()


async def _more(look: asyncpg.Connection, seen: int) -> int | None:
    """How many cases there are, once there are more."""
    found: int = await look.fetchval("SELECT count(*) FROM intake.cases")
    return found if found > seen else None


def _in_one(several: list[File]) -> File:
    entries = [entry for file in several for entry in file.entries]
    return File(several[0].kind, entries, 1, (b"".join(file.sendings[-1] for file in several),))
