"""A process tells what it waits for, leaves when asked, and does not hide that a loop has died."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from deploy.local.ports import free_port

pytestmark = pytest.mark.processes


@asynccontextmanager
async def toy(mode: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, httpx2.AsyncClient]]:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.shared.toy_process", mode,
        env=os.environ | {"HTTP_PORT": str(port)}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        try:
            yield process, client
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def answer(client: httpx2.AsyncClient, path: str, status: int) -> Any:
    """The first answer with that status."""
    async with asyncio.timeout(10):
        while True:
            try:
                got = await client.get(path)
                if got.status_code == status:
                    return got
            except httpx2.TransportError:
                pass
            await asyncio.sleep(0.02)


async def test_a_process_leaves_by_itself_when_asked_and_closes_what_it_opened() -> None:
    async with toy("fine") as (process, client):
        await answer(client, "/readyz", 200)
        process.send_signal(signal.SIGTERM)
        output, _ = await asyncio.wait_for(process.communicate(), 6)
        assert process.returncode == 0
        assert b"closed" in output
        assert b"CRITICAL" not in output


async def test_a_process_whose_loop_dies_ends_with_1_and_tells_no_value() -> None:
    async with toy("crash") as (process, _):
        output, _ = await asyncio.wait_for(process.communicate(), 10)
        assert process.returncode == 1
        assert b"RuntimeError" in output
        assert b"secret" not in output


async def test_a_process_says_what_it_waits_for_and_turns_ready() -> None:
    async with toy("late") as (_, client):
        waiting = await answer(client, "/readyz", 503)
        assert waiting.json()["status"] == "waiting"
        assert (await client.get("/livez")).status_code == 200
        await answer(client, "/readyz", 200)


async def test_a_loop_that_waits_is_named_and_its_figures_are_told() -> None:
    async with toy("waits") as (_, client):
        async with asyncio.timeout(10):
            while (await answer(client, "/readyz", 503)).json()["waits_for"] != {"ticking": "an operator"}:
                await asyncio.sleep(0.02)
        metrics = (await client.get("/metrics")).text
        assert 'humqadam_ticks_total{service="toy",loop="ticking"} 7' in metrics
