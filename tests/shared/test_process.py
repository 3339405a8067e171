"""A process tells what it waits for, leaves when asked whatever hangs, and does not hide that a loop has died."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from deploy.local.child import Child, Program
from deploy.local.ports import free_port
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def toy(folder: Path, mode: str, **more: str) -> AsyncIterator[tuple[Child, httpx2.AsyncClient]]:
    port = free_port()
    argv = (sys.executable, "-m", "tests.shared.toy_process", mode)
    environment = os.environ | {"HTTP_PORT": str(port)} | more
    process = Child(Program("toy", argv, folder / "toy.log", environment, ROOT))
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
        try:
            yield process, client
        finally:
            if process.running:
                await process.stop(0)


async def answer(client: httpx2.AsyncClient, path: str, status: int) -> Any:
    """The first answer with that status."""
    got: list[httpx2.Response] = []

    async def so() -> bool:
        try:
            got[:] = [await client.get(path)]
        except httpx2.TransportError:
            return False
        return got[0].status_code == status

    await until(so, f"{path} answers {status}")
    return got[0]


def output(process: Child) -> str:
    return process.program.log.read_text()


async def test_a_process_lets_pages_ask_whose_origin_it_was_told(tmp_path: Path) -> None:
    async with toy(tmp_path, "fine", CORS_ORIGINS="https://care.example") as (_, client):
        await answer(client, "/readyz", 200)
        shown = await client.get("/livez", headers={"Origin": "https://care.example"})
        assert shown.headers["access-control-allow-origin"] == "https://care.example"


async def test_an_origin_that_is_none_stops_the_start(tmp_path: Path) -> None:
    async with toy(tmp_path, "fine", CORS_ORIGINS="*") as (process, _):
        await until(lambda: not process.running, "the process has ended")
        assert "is no origin" in output(process)


async def test_a_process_leaves_by_itself_when_asked_and_closes_what_it_opened(tmp_path: Path) -> None:
    async with toy(tmp_path, "fine") as (process, client):
        await answer(client, "/readyz", 200)
        assert await process.stop(PATIENCE) == 0
        assert "closed" in output(process)
        assert "CRITICAL" not in output(process)


async def test_a_process_whose_loop_dies_ends_with_1_and_tells_no_value(tmp_path: Path) -> None:
    async with toy(tmp_path, "crash") as (process, _):
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 1
        assert "RuntimeError" in output(process)
        assert "secret" not in output(process)


async def test_a_process_says_what_it_waits_for_and_turns_ready(tmp_path: Path) -> None:
    async with toy(tmp_path, "late") as (_, client):
        waiting = await answer(client, "/readyz", 503)
        assert waiting.json()["status"] == "waiting"
        assert (await client.get("/livez")).status_code == 200
        await answer(client, "/readyz", 200)


async def test_a_loop_that_waits_is_named_and_its_figures_are_told(tmp_path: Path) -> None:
    async with toy(tmp_path, "waits") as (_, client):

        async def named() -> bool:
            waits = (await answer(client, "/readyz", 503)).json()["waits_for"]
            return bool(waits == {"ticking": "an operator"})

        await until(named, "the loop is named")
        metrics = (await client.get("/metrics")).text
        assert 'humqadam_ticks_total{service="toy",loop="ticking"} 7' in metrics


async def test_a_process_that_is_still_starting_leaves_when_asked(tmp_path: Path) -> None:
    async with toy(tmp_path, "stuck") as (process, client):
        await answer(client, "/livez", 200)
        assert await process.stop(PATIENCE) == 0


async def test_a_process_with_something_that_cannot_be_stopped_ends_all_the_same_and_says_where_it_hung(
    tmp_path: Path,
) -> None:
    async with toy(tmp_path, "deaf") as (process, client):
        await answer(client, "/readyz", 200)
        assert await process.stop(PATIENCE) == 1
        assert "most recent call first" in output(process)


async def test_a_collector_that_does_not_answer_keeps_no_process_from_leaving(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        telling = {
            "OTEL_TRACES_EXPORTER": "zipkin",
            "ZIPKIN_ENDPOINT": f"http://127.0.0.1:{silent.getsockname()[1]}/api/v2/spans",
        }
        async with toy(tmp_path, "traced", **telling) as (process, client):
            await answer(client, "/readyz", 200)
            assert await process.stop(PATIENCE) == 0
