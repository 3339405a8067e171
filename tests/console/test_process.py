"""The console as a process of its own: it follows what services say, serves staff, and tells what was done, over real Kafka."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import orjson
import pytest
from aiokafka import AIOKafkaConsumer

from deploy.local.kafka import KafkaServer
from deploy.local.ports import free_port
from shared import messaging, web
from shared.contracts.matching import TaskOpened
from shared.contracts.topics import TOPICS
from shared.messaging import KafkaSettings, ensure_topics, open_kernel
from shared.postgres import migrate
from tests.console.conftest import SERVICES, Headers
from tests.stack_fixtures import FreshDatabase
from tests.waiting import PATIENCE, until

pytestmark = [pytest.mark.processes, pytest.mark.kafka]


@asynccontextmanager
async def running(environment: dict[str, str]) -> AsyncIterator[httpx2.AsyncClient]:
    """The process until it is ready; afterwards it leaves by itself when asked to."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.console.main", "serve", env={**os.environ, **environment, "HTTP_PORT": str(port)}
    )  # fmt: skip
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=5) as client:

            async def ready() -> bool:
                assert process.returncode is None
                try:
                    return (await client.get("/readyz")).status_code == 200
                except httpx2.HTTPError:
                    return False

            await until(ready, "the console")
            yield client
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 0


async def say_as_matching(database: FreshDatabase, bootstrap: str, task: UUID) -> None:
    """matching opens a task and its own relay sends that."""
    kernel = await open_kernel(
        database.dsn("matching"), schema="matching", role="test", pool_size=2, kafka=KafkaSettings(bootstrap), topics=TOPICS
    )  # fmt: skip
    kernel.relay("routine")
    stop = asyncio.Event()
    loops = [asyncio.create_task(loop.run(stop)) for loop in kernel.loops]
    now = datetime.now(UTC)
    opened = TaskOpened(
        task_id=task, kind="hour", queue="coordinator", outcomes=("told", "stays"), due_by=now - timedelta(hours=1),
        priority=1, therapist_id=uuid4(), opened_at=now,
    )  # fmt: skip
    async with kernel.database.transaction() as tx:
        tx.emit([opened])

    async def sent() -> bool:
        return not await kernel.pool.fetchval("SELECT count(*) FROM outbox")

    await until(sent, "the relay")
    stop.set()
    await asyncio.gather(*loops)
    await kernel.close()


async def heard(bootstrap: str, task: UUID) -> dict[str, Any]:
    """What is said of that task on console.tasks."""
    async with AIOKafkaConsumer(
        "console.tasks", bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    ) as consumer:
        async with asyncio.timeout(PATIENCE):
            async for record in consumer:
                if record.key.decode() == str(task):
                    said: dict[str, Any] = orjson.loads(record.value)
                    return said | {"type": dict(record.headers)["ce_type"].decode()}
    raise AssertionError


async def test_what_a_service_opens_is_done_by_a_human_and_the_service_hears_of_it(
    database: FreshDatabase, kafka_server: KafkaServer, signing: Path, staff: Headers
) -> None:
    bootstrap = kafka_server.bootstrap
    await ensure_topics(KafkaSettings(bootstrap), TOPICS)
    for schema, folders in {
        "vault": [SERVICES / "intake" / "vault_migrations"],
        "intake": [messaging.MIGRATIONS, web.MIGRATIONS, SERVICES / "intake" / "migrations"],
        "matching": [messaging.MIGRATIONS],
    }.items():
        await migrate(database.dsn(schema), schema=schema, folders=folders)
    environment = {
        "DATABASE_URL": database.dsn("console"),
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "TOKEN_PUBLIC_KEY_FILE": str(signing / "token.public.json"),
        "SERVICE_TOKEN_FILE": str(signing / "console.token"),
        "ENVIRONMENT": "test",
    }
    for _ in range(2):  # what is up to date stays as it is
        migrating = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.console.main", "migrate", env={**os.environ, **environment}
        )
        assert await migrating.wait() == 0
    task = uuid4()
    async with running(environment) as client:
        await say_as_matching(database, bootstrap, task)

        async def listed() -> bool:
            return [
                one["task_id"] for one in (await client.get("/v1/tasks", headers=staff())).json()["tasks"]
            ] == [str(task)]

        await until(listed, "the task")
        seen = staff() | {"If-Match": '"1"'}
        done = await client.post(f"/v1/tasks/{task}/done", json={"outcome": "told"}, headers=seen)
        assert done.status_code == 200
        said = await heard(bootstrap, task)
        assert (said["type"], said["opened_by"], said["outcome"]) == (
            "console.task_done.v1",
            "matching",
            "told",
        )
        for path in ("/livez", "/readyz", "/metrics"):
            assert (await client.get(path)).status_code == 200
        assert (await client.get("/tasks")).status_code == 401
