"""The roles as real processes: away, ready, broken and told to stop; a person is always told whom to call."""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
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


async def migrated(folder: Path, secrets: Settings) -> postgres.PostgresServer:
    server = await postgres.start(folder / "postgres", durable=False)
    await databases.prepare(server.dsn("postgres"))
    assert await start("migrate", folder, secrets).wait() == 0
    return server


async def answer(client: httpx2.AsyncClient, path: str = "/readyz") -> httpx2.Response | None:
    try:
        return await client.get(path)
    except httpx2.TransportError:
        return None


async def until(client: httpx2.AsyncClient, status: int) -> httpx2.Response:
    """The first /readyz with this status, within ten seconds."""
    for _ in range(200):
        found = await answer(client)
        if found is not None and found.status_code == status:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"never {status}: {found.text if found is not None else 'no answer'}")


async def ask(client: httpx2.AsyncClient) -> httpx2.Response:
    return await client.post("/v1/cases", json=EXAMPLE, headers={"Idempotency-Key": str(uuid4())})


async def test_an_api_without_its_database_says_so_and_takes_requests_when_it_comes_and_comes_back(
    folder: Path, secrets: Settings
) -> None:
    port = free_port()
    server: postgres.PostgresServer | None = None
    (folder / "postgres").mkdir()
    api = start("api", folder, secrets, port)
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        try:
            waiting = await until(client, 503)
            assert waiting.json()["waits_for"] == {"process": "database"}
            refused = await ask(client)
            assert (refused.status_code, refused.json()["code"]) == (503, "not_ready")
            assert refused.json()["crisis"]["lines"]

            server = await migrated(folder, secrets)
            await until(client, 200)
            assert (await ask(client)).status_code == 202

            await server.stop()
            broken = await ask(client)
            assert (broken.status_code, broken.json()["code"]) == (503, "try_again")
            assert broken.json()["crisis"]["lines"]
            assert broken.headers["retry-after"] == "1"

            server = await postgres.start(folder / "postgres", durable=False)
            accepted = [(await ask(client)).status_code for _ in range(8)]
            assert accepted[-1] == 202
            assert set(accepted) <= {202, 503}
            assert await api.stop(5) == 0
        finally:
            await api.stop(1)
            if server is not None:
                await server.stop()


async def test_every_role_gets_ready_says_no_secret_and_leaves_when_told(
    folder: Path, secrets: Settings
) -> None:
    server = await migrated(folder, secrets)
    ports = {role: free_port() for role in ("api", "vault")}
    started = [start(role, folder, secrets, port) for role, port in ports.items()]
    try:
        for role, port in ports.items():
            async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
                await until(client, 200)
                if role == "api":
                    for body in (SMALLEST, {**SMALLEST, "nickname": "Zara Unique"}):
                        await client.post("/v1/cases", json=body, headers={"Idempotency-Key": str(uuid4())})
        assert [await process.stop(5) for process in started] == [0, 0]
    finally:
        for process in started:
            await process.stop(1)
        await server.stop()
    logs = "".join((folder / f"{role}.log").read_text() for role in ports)
    assert "Zara" not in logs
    assert "399" not in logs


@pytest.mark.parametrize("role", ["api", "crisis", "vault", "worker"])
async def test_production_does_not_start_on_rules_that_nobody_has_signed(
    folder: Path, secrets: Settings, role: str
) -> None:
    process = start(role, folder, secrets, free_port(), ENVIRONMENT="production")
    assert await process.wait() != 0
    said = (folder / f"{role}.log").read_text()
    assert "not signed by a clinician" in said
    assert "steps" in said
