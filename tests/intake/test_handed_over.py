"""The synthetic country hands its people over to the real routes, over a real socket: nobody twice, nobody lost."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx2
import pytest_asyncio
import uvicorn

from deploy.local.ports import free_port
from simulation.asking import Asked
from simulation.client_log import ClientLog, read_client_log
from simulation.handing_over import files, hand_over
from simulation.http_client import Address
from simulation.http_wire import read
from simulation.population import BROKEN_AT_FIRST, Person, people
from tests.intake.conftest import IntakeDatabase
from tests.waiting import ended, until

NOW = datetime(2026, 1, 5, 14, 30, tzinfo=ZoneInfo("Asia/Karachi"))


@cache
def everybody() -> list[Person]:
    return list(people(6, 700, NOW))


@pytest_asyncio.fixture(loop_scope="session", name="address")
async def served(people: httpx2.AsyncClient) -> AsyncIterator[Address]:
    """The api role's routes on a port."""
    app, port = people._transport.app, free_port()  # type: ignore[attr-defined]
    server = uvicorn.Server(uvicorn.Config(app, port=port, lifespan="off", log_config=None, ws="none"))
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started, "the server")
    yield Address("127.0.0.1", port)
    server.should_exit = True
    await ended([serving])


async def test_everybody_has_one_case_although_an_office_sends_its_file_twice(
    address: Address, store: IntakeDatabase, token: Callable[..., dict[str, str]], tmp_path: Path
) -> None:
    run, count = uuid4().hex[:8], "SELECT count(*) FROM intake.cases"
    before, started = await store.admin.fetchval(count), time.time()
    bearer = token("coordinator")["Authorization"].removeprefix("Bearer ")
    log, asked = ClientLog(tmp_path / "client.jsonl"), Asked()
    await hand_over(address, files(everybody(), run), bearer, log, asked)
    log.close()
    assert (asked.refused, asked.unanswered) == ([], 0)
    assert await store.admin.fetchval(count) == before + len(everybody())
    told = list(read_client_log(tmp_path / "client.jsonl"))
    codes: dict[str, set[str | None]] = {}
    for one in told:
        codes.setdefault(one.key, set()).add(one.case_code)
        assert one.in_bulk
        assert started <= one.asked_at <= one.answered_at
    assert len(codes) == len(everybody())
    assert all(len(found) == 1 and None not in found for found in codes.values())
    # The office's people were answered twice, but for those whose rows could not be read at first.
    by_person = [one.person for one in told]
    assert by_person.count(0) == 2
    assert {by_person.count(number) for number in BROKEN_AT_FIRST} == {1}
    alarming = {person.number for person in everybody() if person.alarming}
    assert {one.person for one in told if one.attention} == alarming
    assert alarming


async def test_a_client_that_sends_everything_before_it_reads_is_answered(
    address: Address, token: Callable[..., dict[str, str]]
) -> None:
    """More than any socket buffers, with results to match: two clients that wait for one another would hang here."""
    line = b'{"client_reference":"%d"}' + b" " * 900 + b"\n"
    content = b"".join(line % number for number in range(20_000))
    headers = [f"{name}: {value}" for name, value in token("coordinator", subject=uuid4().hex).items()]
    head = ["POST /v1/cases/bulk HTTP/1.1", "Host: x", "Content-Type: application/x-ndjson", *headers]
    head += [f"Content-Length: {len(content)}", "Connection: close", "", ""]
    reader, writer = await asyncio.open_connection(address.host, address.port, limit=1024)
    writer.write("\r\n".join(head).encode())
    for start in range(0, len(content), 65_536):
        writer.write(content[start : start + 65_536])
        await writer.drain()
    answer = await reader.read()
    while more := await reader.read(1_000_000):
        answer += more
    writer.close()
    found = read(answer, closed=True)
    assert found is not None
    assert found[0].status == 200
    assert found[0].body.count(b'"outcome":"rejected"') == 20_000
