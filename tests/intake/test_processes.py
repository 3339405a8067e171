"""The roles as real processes: away, ready, broken and told to stop; a person is always told whom to call."""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
import pytest_asyncio

from deploy.local import databases, postgres
from deploy.local.child import Child, Program
from deploy.local.ports import free_port
from services.intake.api.requests import EXAMPLE, SMALLEST
from services.intake.settings import Settings
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]


@pytest_asyncio.fixture(loop_scope="session")
async def folder() -> AsyncIterator[Path]:
    """Short, as a socket's path must be."""
    made = Path(tempfile.mkdtemp(prefix="hqi-", dir="/tmp"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def start(role: str, folder: Path, secrets: Settings, port: int = 0, **more: str) -> Child:
    """A role as the local stack starts it."""
    data = folder / "postgres"
    environment = os.environ | {
        "DATABASE_URL": postgres.socket_dsn(
            data, 5432, databases.NAME, "vault" if role == "vault" else "intake"
        ),
        "VAULT_DATABASE_URL": postgres.socket_dsn(data, 5432, databases.NAME, "vault"),
        "HTTP_PORT": str(port),
        "DEPLOYMENT_KEY_FILE": str(secrets.deployment_key_file),
        "TOKEN_KEY_FILE": str(secrets.token_key_file),
        "TOKEN_PUBLIC_KEY_FILE": str(secrets.token_public_key_file),
        "SERVICE_TOKEN_FILE": str(secrets.service_token_file),
        **more,
    }
    argv = (sys.executable, "-m", "services.intake.main", "--role", role)
    return Child(Program(f"intake-{role}", argv, folder / f"{role}.log", environment, ROOT))


@asynccontextmanager
async def running(*started: Child) -> AsyncIterator[None]:
    """Ended when left, whatever happened inside."""
    try:
        yield
    finally:
        for process in started:
            if process.running:
                await process.stop(0)


@asynccontextmanager
async def server(folder: Path) -> AsyncIterator[postgres.PostgresServer]:
    """A database server on the folder's data, stopped when left."""
    started = await postgres.start(folder / "postgres", durable=False)
    try:
        yield started
    finally:
        if started.running:
            await started.stop()


async def prepare(started: postgres.PostgresServer, folder: Path, secrets: Settings) -> None:
    """Database, roles and tables."""
    await databases.prepare(started.dsn("postgres"))
    migrating = start("migrate", folder, secrets)
    async with running(migrating):
        assert await ended(migrating) == 0


async def ended(process: Child) -> int:
    """The code a process has left with by itself."""
    return await asyncio.wait_for(process.wait(), PATIENCE)


async def answer(client: httpx2.AsyncClient, path: str = "/readyz") -> httpx2.Response | None:
    try:
        return await client.get(path)
    except httpx2.TransportError:
        return None


async def answered(client: httpx2.AsyncClient, status: int) -> httpx2.Response:
    """The first /readyz with this status."""
    last: list[httpx2.Response | None] = []

    async def so() -> bool:
        last[:] = [await answer(client)]
        return last[0] is not None and last[0].status_code == status

    await until(so, f"/readyz says {status}", every=0.05)
    assert last[0] is not None
    return last[0]


async def ask(client: httpx2.AsyncClient) -> httpx2.Response:
    return await client.post("/v1/cases", json=EXAMPLE, headers={"Idempotency-Key": str(uuid4())})


async def test_an_api_without_its_database_says_so_and_takes_requests_when_it_comes_and_comes_back(
    folder: Path, secrets: Settings
) -> None:
    port = free_port()
    (folder / "postgres").mkdir()
    api = start("api", folder, secrets, port)
    client = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE)
    async with running(api), client:
        waiting = await answered(client, 503)
        assert waiting.json()["waits_for"] == {"process": "database"}
        refused = await ask(client)
        assert (refused.status_code, refused.json()["code"]) == (503, "not_ready")
        assert refused.json()["crisis"]["lines"]

        async with server(folder) as first:
            await prepare(first, folder, secrets)
            await answered(client, 200)
            assert (await ask(client)).status_code == 202

        broken = await ask(client)
        assert (broken.status_code, broken.json()["code"]) == (503, "try_again")
        assert broken.json()["crisis"]["lines"]
        assert broken.headers["retry-after"] == "1"

        async with server(folder):
            accepted: set[int] = set()

            async def taken() -> bool:
                accepted.add((await ask(client)).status_code)
                return 202 in accepted

            await until(taken, "a request is taken again")
            assert accepted <= {202, 503}
            assert await api.stop(PATIENCE) == 0


async def test_every_role_gets_ready_says_no_secret_and_leaves_when_told(
    folder: Path, secrets: Settings
) -> None:
    ports = {role: free_port() for role in ("api", "vault")}
    async with server(folder) as database:
        await prepare(database, folder, secrets)
        started = [start(role, folder, secrets, port) for role, port in ports.items()]
        async with running(*started):
            for role, port in ports.items():
                url = f"http://127.0.0.1:{port}"
                async with httpx2.AsyncClient(base_url=url, timeout=PATIENCE) as client:
                    await answered(client, 200)
                    for body in (SMALLEST, {**SMALLEST, "nickname": "Zara Unique"}) if role == "api" else ():
                        await client.post("/v1/cases", json=body, headers={"Idempotency-Key": str(uuid4())})
            assert [await process.stop(PATIENCE) for process in started] == [0, 0]
    logs = "".join((folder / f"{role}.log").read_text() for role in ports)
    assert "Zara" not in logs
    assert "399" not in logs


@pytest.mark.parametrize("role", ["api", "crisis", "vault", "worker"])
async def test_production_does_not_start_on_rules_that_nobody_has_signed(
    folder: Path, secrets: Settings, role: str
) -> None:
    process = start(role, folder, secrets, free_port(), ENVIRONMENT="production")
    async with running(process):
        assert await ended(process) != 0
    said = (folder / f"{role}.log").read_text()
    assert "not signed by a clinician" in said
    assert "steps" in said


async def test_who_watches_a_case_is_sent_away_at_once_when_the_process_is_told_to_stop(
    folder: Path, secrets: Settings
) -> None:
    port = free_port()
    (folder / "postgres").mkdir()
    async with server(folder) as database:
        await prepare(database, folder, secrets)
        api = start("api", folder, secrets, port)
        client = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE)
        async with running(api), client:
            await answered(client, 200)
            accepted = (await ask(client)).json()
            sent = {"case_code": accepted["case_code"], "pin": accepted["pin"]}
            token = (await client.post("/v1/sessions", json=sent)).json()["token"]
            headers = {"Authorization": f"Bearer {token}"}
            path = accepted["status_url"]
            waits = asyncio.create_task(client.get(f"{path}?after_version=1&wait=30", headers=headers))
            async with client.stream("GET", f"{path}/events", headers=headers) as stream:
                lines = stream.aiter_lines()
                assert await anext(lines) == "event: status"
                began = asyncio.get_running_loop().time()
                left = asyncio.create_task(api.stop(PATIENCE))
                assert 'data: {"reason":"later"}' in [line async for line in lines]
            assert (await waits).json()["version"] == 1
            assert await left == 0
            assert asyncio.get_running_loop().time() - began < 5
