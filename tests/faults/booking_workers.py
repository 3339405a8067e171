"""The service's own processes from a tree of code: started, asked whether they are at work, killed, ended."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp

from deploy.local.child import die_with_parent
from deploy.local.ports import anywhere

START_SECONDS = 60.0


@dataclass(slots=True)
class Workers:
    """Names are `<role>-<number>`; each keeps its port when it is started again. Left, all are ended."""

    tree: Path
    folder: Path
    environment: dict[str, str]
    module: str = "services.scheduling.main"
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    async def __aenter__(self) -> "Workers":
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.end()

    async def migrate(self) -> None:
        """Makes the tables as the tree says."""
        migrating = self._run("migrate", 0)
        code = await asyncio.to_thread(migrating.wait, START_SECONDS)
        assert code == 0, (self.folder / "migrate.log").read_text()

    def start(self, names: Iterable[str]) -> None:
        """Starts these, whether they are new or were killed."""
        for name in names:
            self.ports |= {} if name in self.ports else anywhere([name])
            self.processes[name] = self._run(name, self.ports[name])

    async def at_work(self) -> list[str]:
        """Those that have what they need and read their topics."""
        timeout = aiohttp.ClientTimeout(total=1)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            ready = await asyncio.gather(*(_is_ready(session, self.ports[name]) for name in self.processes))
        return [name for name, is_ready in zip(self.processes, ready, strict=True) if is_ready]

    async def manned(self, lanes: Iterable[str]) -> list[str]:
        """Waits until somebody is at work in each of these lanes, however slow the starts are today."""
        async with asyncio.timeout(START_SECONDS):
            while True:
                names = await self.at_work()
                if {*lanes} <= {name.split("-")[0] for name in names}:
                    return names
                await asyncio.sleep(0.05)

    def kill_and_start(self, name: str) -> None:
        """kill -9, whatever it has in its hands; and again."""
        self.kill(name)
        self.start([name])

    def kill(self, name: str) -> None:
        """kill -9."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def end(self) -> None:
        """As a deployment does: told to stop, killed if they do not."""
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(8)
            process.kill()
            process.wait()
        self.processes.clear()

    def _run(self, name: str, port: int) -> subprocess.Popen[bytes]:
        told = {"HTTP_PORT": str(port), "PYTHONPATH": str(self.tree)}
        with (self.folder / f"{name}.log").open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", self.module, "--role", name.split("-")[0]],
                cwd=self.tree,
                env={**os.environ, **self.environment, **told},
                stdout=output,
                stderr=output,
                preexec_fn=die_with_parent(signal.SIGKILL),
            )


async def _is_ready(session: aiohttp.ClientSession, port: int) -> bool:
    try:
        async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


def environment_of(database: Any, bootstrap: str, service: str = "scheduling") -> dict[str, str]:
    """What every role of a service is told."""
    return {
        "DATABASE_URL": database.dsn(service),
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "ENVIRONMENT": "test",
        "HTTP_HOST": "127.0.0.1",
        "OTEL_TRACES_EXPORTER": "none",
    }
