"""A stack whose processes come to both servers by a proxy: whoever follows what they were told meets it, and no socket
and no advertised address leads around it."""

from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest
from aiokafka.client import AIOKafkaClient

from deploy.local import ports
from deploy.local.processes import PROCESSES, Process, environment
from deploy.local.stack import Plan, Stack
from tests.faults.proxy import Proxy

pytestmark = [pytest.mark.stack, pytest.mark.faults]

MIGRATE = Process("migrate-toy", "tests.local_stack.toy", "migrate", "matching")


async def test_whoever_follows_what_a_process_is_told_comes_by_the_detour(stack_folder: Path) -> None:
    chosen = ports.anywhere((*ports.PREFERRED, "near-kafka", "near-postgres"))
    detours = {name: chosen.pop(f"near-{name}") for name in ("kafka", "postgres")}
    plan = Plan((), (MIGRATE,), (), with_zipkin=False, ports=chosen, detours=detours)
    stack = Stack(stack_folder / "detours", plan=plan, tell=lambda _: None)
    async with AsyncExitStack() as held:
        proxies = {
            name: await held.enter_async_context(Proxy(near, ("127.0.0.1", chosen[name])))
            for name, near in detours.items()
        }
        held.push_async_callback(stack.stop)
        await stack.start()
        told = environment(PROCESSES[4], stack.surroundings)
        assert (stack.folder / "migrated").read_text() == stack.surroundings.dsn("matching")
        connection = await asyncpg.connect(told["DATABASE_URL"])
        assert proxies["postgres"].count() == 1
        await connection.close()
        client = AIOKafkaClient(bootstrap_servers=told["KAFKA_BOOTSTRAP_SERVERS"])
        await client.bootstrap()
        assert proxies["kafka"].count() == 1
        assert [broker.port for broker in client.cluster.brokers()] == [detours["kafka"]]
        await client.close()
