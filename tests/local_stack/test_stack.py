"""The supervisor's promises: what dies comes back, what is stopped is gone, a failed start leaves nothing."""

import asyncio
import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.local import pidfile, ports
from deploy.local.child import StartFailed
from deploy.local.leftovers import command_line
from deploy.local.processes import Process
from deploy.local.stack import AlreadyUp, Plan, Stack
from tests.waiting import until

pytestmark = pytest.mark.stack

TOY = "tests.local_stack.toy"
API = Process("intake", TOY, "api", "intake")
STUBBORN = Process("partners", TOY, "stubborn", "partners")
MIGRATE = Process("migrate-toy", TOY, "migrate", "matching")


def plan(*processes: Process, kafka: bool = False) -> Plan:
    return Plan(processes, (MIGRATE,), (), with_kafka=kafka, with_zipkin=False, ports=ports.anywhere())


def remaining(folder: Path) -> list[str]:
    """The command lines of whatever still runs for that stack."""
    running = [command_line(int(entry)) or "" for entry in os.listdir("/proc") if entry.isdigit()]
    return [line for line in running if str(folder) in line and "pytest" not in line]


@pytest.fixture
def told() -> list[str]:
    return []


@pytest_asyncio.fixture
async def stack(stack_folder: Path, tmp_path: Path, told: list[str]) -> AsyncIterator[Stack]:
    one = Stack(stack_folder / tmp_path.name, plan=plan(API), tell=told.append)
    await one.start()
    yield one
    await one.stop()
    assert remaining(one.folder) == []


async def test_whoever_has_their_answer_gives_way_to_whoever_asks_also_after_a_death(
    stack_folder: Path, tmp_path: Path
) -> None:
    yielding = dataclasses.replace(STUBBORN, nice=10)
    one = Stack(stack_folder / tmp_path.name, plan=plan(API, yielding), tell=lambda _line: None)
    await one.start()
    try:
        assert os.getpriority(os.PRIO_PROCESS, one.pid("intake")) == os.getpriority(os.PRIO_PROCESS, 0)
        before = one.pid("partners")
        assert os.getpriority(os.PRIO_PROCESS, before) == os.getpriority(os.PRIO_PROCESS, 0) + 10
        await one.kill("partners")
        await until(lambda: one.is_running("partners") and one.pid("partners") != before, "another partners")
        assert os.getpriority(os.PRIO_PROCESS, one.pid("partners")) == os.getpriority(os.PRIO_PROCESS, 0) + 10
    finally:
        await one.stop()


async def test_a_killed_process_comes_back_by_itself(stack: Stack, told: list[str]) -> None:
    before = stack.pid("intake")
    await stack.kill("intake")
    async with asyncio.timeout(5):
        while stack.pid("intake") == before:
            await asyncio.sleep(0.01)
    await stack.ready("intake")
    assert any("intake died" in line for line in told)
    assert str(stack.pid("intake")) in (stack.folder / "pids.json").read_text()


async def test_a_held_process_stays_away_until_it_is_restarted(stack: Stack) -> None:
    await stack.hold("intake", signal.SIGKILL)
    await asyncio.sleep(0.5)
    assert not stack.is_running("intake")
    await stack.restart("intake")
    await stack.ready("intake")


async def test_killed_servers_come_back_with_their_addresses(stack_folder: Path, told: list[str]) -> None:
    one = Stack(stack_folder / "servers", plan=plan(kafka=True), tell=told.append)
    await one.start()
    for server in ("postgres", "kafka"):
        before = one.pid(server)
        await one.kill(server)
        async with asyncio.timeout(30):
            while one.pid(server) == before or not one.is_running(server):
                await asyncio.sleep(0.05)
    await one.stop()
    assert remaining(one.folder) == []


async def test_a_stop_while_the_trace_viewer_still_starts_leaves_nothing(
    stack_folder: Path, told: list[str]
) -> None:
    with_viewer = dataclasses.replace(plan(API), with_zipkin=True)
    one = Stack(stack_folder / "viewer", plan=with_viewer, tell=told.append)
    await one.start()
    assert any("intake" in line for line in told)
    await one.stop()
    assert remaining(one.folder) == []


async def test_the_trace_viewer_answers_once_spans_are_kept(stack_folder: Path, told: list[str]) -> None:
    with_viewer = dataclasses.replace(plan(API), with_zipkin=True)
    one = Stack(stack_folder / "viewing", plan=with_viewer, tell=told.append)
    await one.start()
    try:
        await one.traced()
        assert one.is_running("zipkin")
        assert ports.answers(one.surroundings.ports["zipkin"])
    finally:
        await one.stop()
    assert remaining(one.folder) == []


async def test_migrations_ran_before_the_processes_as_their_services_role(stack: Stack) -> None:
    assert (stack.folder / "migrated").read_text() == stack.surroundings.dsn("matching")


async def test_a_second_stack_on_the_same_folder_is_refused(stack: Stack) -> None:
    with pytest.raises(AlreadyUp):
        await Stack(stack.folder, plan=plan(API)).start()
    assert stack.is_running("intake")


async def test_secrets_are_for_their_owner_only(stack: Stack) -> None:
    secrets = list((stack.folder / "secrets").iterdir())
    assert {file.name for file in secrets} >= {"deployment.key", "token.key", "service_tokens.json"}
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in secrets)


async def test_a_process_that_does_not_listen_is_killed_in_the_end(
    stack_folder: Path, told: list[str]
) -> None:
    one = Stack(stack_folder / "stubborn", plan=plan(STUBBORN), tell=told.append)
    await one.start()
    await one.stop()
    assert remaining(one.folder) == []
    assert not (one.folder / "pids.json").exists()


async def test_a_start_that_fails_says_why_and_leaves_nothing(stack_folder: Path, told: list[str]) -> None:
    broken = Process("matching", TOY, "broken", "matching")
    one = Stack(stack_folder / "broken", plan=plan(API, broken), tell=told.append)
    with pytest.raises(StartFailed, match="no setting CALLED_SO"):
        await one.start()
    assert remaining(one.folder) == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next start ends what was left")
async def test_nothing_outlives_a_supervisor_that_was_killed(stack_folder: Path, told: list[str]) -> None:
    folder = stack_folder / "orphans"
    command = [sys.executable, "-m", "tests.local_stack.doomed", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        assert "up\n" in iter(supervisor.stdout.readline, "")
        assert len(remaining(folder)) >= 4  # itself, Postgres, Kafka and the process
        supervisor.kill()
    async with asyncio.timeout(20):
        while remaining(folder):
            await asyncio.sleep(0.1)
    assert pidfile.supervisor(folder / "pids.json") is None


async def test_what_was_left_is_ended_by_the_next_start(stack_folder: Path, told: list[str]) -> None:
    folder = stack_folder / "left"
    left = subprocess.Popen([sys.executable, "-X", f"stack={folder}", "-c", "import time; time.sleep(600)"])
    await until(lambda: str(folder) in (command_line(left.pid) or ""), "the command line of what was left")
    pidfile.write(folder / "pids.json", {"intake": (left.pid, f"stack={folder}", signal.SIGTERM)})
    file = folder / "pids.json"
    entries = json.loads(file.read_text())
    file.write_text(json.dumps({"intake": entries["intake"]}))  # its supervisor is dead
    one = Stack(folder, plan=plan(API), tell=told.append)
    await one.start()
    await one.stop()
    assert left.wait(1) == -signal.SIGTERM
    assert any("ended intake" in line for line in told)
