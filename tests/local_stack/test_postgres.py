"""The database of the local stack: durable, reachable both ways, and closed between services."""

import asyncio
import os
import signal
from pathlib import Path

import asyncpg
import pytest

from deploy.local import databases, postgres
from deploy.local.ports import free_port
from deploy.local.postgres import PostgresServer
from tests.stack_fixtures import FreshDatabase
from tests.waiting import until


async def ask(dsn: str, sql: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_a_service_makes_its_tables_in_its_own_schema(database: FreshDatabase) -> None:
    await ask(database.dsn("matching"), "CREATE TABLE therapists (id int)")
    where = await ask(database.admin_dsn, "SELECT schemaname FROM pg_tables WHERE tablename = 'therapists'")
    assert where == "matching"


@pytest.mark.parametrize("other", [name for name in databases.SERVICES if name != "scheduling"])
async def test_a_service_cannot_read_the_schema_of_another(database: FreshDatabase, other: str) -> None:
    await ask(database.dsn("scheduling"), "CREATE TABLE holds (id int)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await ask(database.dsn(other), "SELECT count(*) FROM scheduling.holds")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await ask(database.dsn(other), "CREATE TABLE scheduling.mine (id int)")


async def test_nobody_makes_tables_in_public(database: FreshDatabase) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await ask(database.dsn("console"), "CREATE TABLE public.everyones (id int)")


async def test_intake_reads_of_the_vault_only_what_the_vault_grants(database: FreshDatabase) -> None:
    await ask(database.dsn("vault"), "CREATE TABLE keys (id int)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await ask(database.dsn("intake"), "SELECT count(*) FROM vault.keys")
    await ask(database.dsn("vault"), "GRANT SELECT ON keys TO intake")
    assert await ask(database.dsn("intake"), "SELECT count(*) FROM vault.keys") == 0


async def test_ranges_of_one_resource_can_be_kept_apart(database: FreshDatabase) -> None:
    await ask(
        database.dsn("scheduling"),
        "CREATE TABLE r (id int, during tstzrange, EXCLUDE USING gist (id WITH =, during WITH &&))",
    )


async def test_preparing_again_changes_nothing(database: FreshDatabase) -> None:
    await ask(database.dsn("partners"), "CREATE TABLE kept (id int)")
    await databases.prepare(database.server.dsn("postgres"), database.name)
    assert await ask(database.dsn("partners"), "SELECT count(*) FROM kept") == 0


async def test_settings_that_hold_promises_are_on(postgres_server: PostgresServer) -> None:
    for name, value in {"max_connections": "200", "deadlock_timeout": "100ms", "jit": "off"}.items():
        assert await ask(postgres_server.dsn("postgres"), f"SHOW {name}") == value
    assert await ask(postgres_server.dsn("postgres", tcp=True), "SHOW synchronous_commit") == "on"


async def test_a_start_waits_until_the_children_of_a_killed_server_have_left(tmp_path: Path) -> None:
    data = tmp_path / ("b" * 90) / "postgres"
    server = await postgres.start(data, durable=False)
    slow = await asyncpg.connect(server.dsn("postgres"))
    child = slow.get_server_pid()
    os.kill(child, signal.SIGSTOP)
    server.kill(signal.SIGKILL)
    while server.running:
        await asyncio.sleep(0.01)
    starting = asyncio.create_task(postgres.start(data, durable=False))

    async def refused() -> bool:
        return "still in use" in (data.parent / "logs" / "postgres.log").read_text()

    await until(refused, "a start that found the memory in use")
    os.kill(child, signal.SIGCONT)
    again = await starting
    try:
        assert await ask(again.dsn("postgres"), "SELECT 1") == 1
    finally:
        slow.terminate()
        await again.stop()


async def test_what_was_committed_survives_a_kill_and_a_stop(tmp_path: Path) -> None:
    data = tmp_path / ("a" * 90) / "postgres"  # too long for a socket: it moves under /tmp
    server = await postgres.start(data)
    assert await ask(server.dsn("postgres"), "SHOW fsync") == "on"
    await ask(server.dsn("postgres"), "CREATE TABLE kept AS SELECT 1 AS id")
    server.kill(signal.SIGKILL)
    while server.running:
        await asyncio.sleep(0.01)
    port = free_port()
    server = await postgres.start(data, port)
    try:
        assert await ask(server.dsn("postgres", tcp=True), "SELECT id FROM kept") == 1
    finally:
        await server.stop()
    assert not server.running
