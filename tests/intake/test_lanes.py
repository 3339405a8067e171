"""The roles together on a real broker: an alarm does not wait for routine work, and news comes back to people."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx2
import orjson
import pytest
from aiokafka import AIOKafkaConsumer
from fastapi import FastAPI

from services.intake import main
from services.intake.domain.policy import Policy
from services.intake.settings import Settings
from shared import messaging
from shared.contracts.matching import CaseWaitlisted
from shared.contracts.topics import TOPICS
from shared.messaging import KafkaSettings, ensure_topics, open_kernel
from shared.postgres import migrate
from shared.web import Loop, create_app
from tests import waiting
from tests.intake.test_asking import ask, asking
from tests.stack_fixtures import FreshDatabase
from tests.waiting import until

pytestmark = pytest.mark.kafka


@asynccontextmanager
async def running(loops: Any, close: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """A role's loops, as `run_process` runs them."""
    stop = asyncio.Event()
    found: list[Loop] = list(loops)
    try:
        async with waiting.running(stop, *(loop.run(stop) for loop in found)):
            yield
    finally:
        await asyncio.wait_for(close(), waiting.PATIENCE)


async def alarm_of(bootstrap: str, case_id: str) -> dict[str, Any]:
    """The first event of this case on intake.alarms."""
    consumer = AIOKafkaConsumer("intake.alarms", bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    try:
        await consumer.start()
        async with asyncio.timeout(waiting.PATIENCE):
            async for record in consumer:
                if record.key == case_id.encode():
                    event: dict[str, Any] = orjson.loads(record.value)
                    return event
    finally:
        await consumer.stop()
    raise AssertionError


async def prepared(database: FreshDatabase, kafka_server: Any, secrets: Settings) -> Settings:
    process = secrets.process.model_copy(
        update={"database_url": database.dsn("intake"), "kafka_bootstrap_servers": kafka_server.bootstrap}
    )
    settings = secrets.model_copy(update={"process": process, "vault_database_url": database.dsn("vault")})
    await main.bring_up_to_date(settings)
    await migrate(database.dsn("matching"), schema="matching", folders=[messaging.MIGRATIONS])
    await ensure_topics(KafkaSettings(kafka_server.bootstrap), TOPICS)
    return settings


def waitlisted(case_id: str) -> CaseWaitlisted:
    now = datetime.now(UTC)
    return CaseWaitlisted(
        case_id=UUID(case_id),
        person_id=uuid4(),
        attempt=1,
        reason="no_language",
        next_review=now + timedelta(days=7),
        waitlisted_at=now,
    )


async def test_an_alarm_goes_out_while_routine_work_stands_still_and_news_comes_back(
    database: FreshDatabase, kafka_server: Any, secrets: Settings, policy: Policy
) -> None:
    settings = await prepared(database, kafka_server, secrets)
    app: FastAPI = create_app("intake")
    async with AsyncExitStack() as stack:
        admin = await asyncpg.connect(database.admin_dsn)
        stack.push_async_callback(admin.close)
        await stack.enter_async_context(running(*await main.build_api(settings, policy, app)))
        crisis = await main.build_crisis(settings, policy, create_app("crisis"))
        await stack.enter_async_context(running(*crisis))
        client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://intake")
        people = await stack.enter_async_context(client)

        accepted = (await ask(people, asking(2))).json()
        case_id = str(await admin.fetchval("SELECT case_id FROM intake.cases"))
        alarm = await alarm_of(kafka_server.bootstrap, case_id)
        assert (alarm["level"], alarm["reachable"]) == ("R2", True)

        async def lanes() -> list[str]:
            return [
                r["lane"] for r in await admin.fetch("SELECT DISTINCT lane FROM intake.outbox ORDER BY 1")
            ]

        await until(lambda: _is(lanes(), ["routine"]), "routine rows alone are left")

        worker = await main.build_worker(settings, policy, create_app("worker"))
        await stack.enter_async_context(running(*worker))
        await until(lambda: _is(lanes(), []), "the outbox is empty")

        matching = await open_kernel(
            database.dsn("matching"),
            schema="matching",
            role="test",
            pool_size=3,
            kafka=KafkaSettings(kafka_server.bootstrap),
            topics=TOPICS,
        )
        matching.relay("routine")
        await stack.enter_async_context(running(matching.loops, matching.close))
        async with matching.database.transaction() as tx:
            tx.emit([waitlisted(case_id)])

        sent = {"case_code": accepted["case_code"], "pin": accepted["pin"]}
        token = (await people.post("/v1/sessions", json=sent)).json()["token"]
        headers = {"Authorization": f"Bearer {token}"}

        async def state() -> str:
            return str((await people.get(accepted["status_url"], headers=headers)).json()["state"])

        await until(lambda: _is(state(), "waitlisted"), "the person reads `waitlisted`")


async def _is(found: Awaitable[Any], expected: Any) -> bool:
    return bool(await found == expected)
