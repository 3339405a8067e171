"""The whole system on one machine: infrastructure, migrations, topics, then every process until it is ready."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from deploy.local import databases, pidfile, ports, postgres, secrets
from deploy.local.child import StartFailed, last_lines
from deploy.local.processes import MIGRATIONS, PROCESSES, TOPICS, Process, Surroundings, addresses
from deploy.local.supervisor import Supervisor
from deploy.local.units import kafka_unit, postgres_unit, process_unit, run_to_end, zipkin_unit

READY_WITHIN = 90.0


class AlreadyUp(Exception):
    """A stack runs on this folder; two would fight over the same data."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a stack consists of; tests take parts of it."""

    processes: Sequence[Process] = PROCESSES
    migrations: Sequence[Process] = MIGRATIONS
    topics: Sequence[Process] = (TOPICS,)
    with_kafka: bool = True
    with_zipkin: bool = True
    ports: Mapping[str, int] = field(default_factory=lambda: ports.PREFERRED)
    detours: Mapping[str, int] = field(default_factory=dict)


class Stack:
    """One stack on one folder with its own ports; nothing of it is global."""

    def __init__(
        self, folder: Path, *, plan: Plan | None = None, tell: Callable[[str], None] = print
    ) -> None:
        self.folder = folder.absolute()
        self.plan = plan or Plan()
        self._say = tell
        self._supervisor: Supervisor | None = None
        self._around: Surroundings | None = None
        self._claims = ports.Claims()
        self._tracing: asyncio.Task[None] | None = None
        self._began = time.monotonic()

    @property
    def addresses(self) -> dict[str, str]:
        """Base URLs, host:port of mail and broker, the admin's DSN; see `processes.addresses`."""
        return addresses(self._surroundings.ports)

    @property
    def surroundings(self) -> Surroundings:
        """What a process of one's own needs to join this stack; see `processes.environment`."""
        return self._surroundings

    async def start(self) -> None:
        """Returns when every process is ready; when a step fails, everything started is stopped again.

        The trace viewer may still be starting then: see `traced`.
        """
        if (other := pidfile.supervisor(self._pids)) is not None:
            raise AlreadyUp(f"process {other} keeps a stack up on {self.folder}")
        self._began = time.monotonic()
        for name in await pidfile.end_leftovers(self._pids):
            self._tell(f"ended {name}, left by a run that was killed")
        self._supervisor = Supervisor(self._pids, self._tell)
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def traced(self) -> None:
        """Waits until spans are kept; what was recorded before may be dropped. Raises StartFailed."""
        if self._tracing is not None:
            await self._tracing

    async def stop(self) -> None:
        """Stops the processes, then the infrastructure; nothing is left running. Safe to call again."""
        if self._tracing is not None:
            self._tracing.cancel()
            await asyncio.gather(self._tracing, return_exceptions=True)
            self._tracing = None
        if self._supervisor is not None:
            await self._supervisor.stop()
            self._supervisor = None
        self._claims.release()

    def is_running(self, name: str) -> bool:
        return self._supervisor is not None and self._supervisor.is_running(name)

    def pid(self, name: str) -> int:
        """Of what runs under that name now; another one after each death."""
        return self._keeper.running(name).pid

    async def kill(self, name: str, sent: signal.Signals = signal.SIGKILL) -> None:
        """A fault: the signal hits that process or server alone, and the supervisor brings it back."""
        self._keeper.kill(name, sent)

    async def hold(self, name: str, sent: signal.Signals | None = None) -> None:
        """Takes it away, cleanly or by a signal, until `restart`."""
        await self._keeper.hold(name, sent)

    async def restart(self, name: str) -> None:
        """Starts it anew at once; does not wait until it is ready (see `ready`)."""
        await self._keeper.restart(name)

    async def add(self, process: Process) -> None:
        """Starts one more, which has a port in the plan, and keeps it running; does not wait until it is ready."""
        await self._keeper.start(process_unit(process, self._surroundings))

    async def ready(self, name: str, within: float = READY_WITHIN) -> None:
        """Waits until that process answers that it is ready."""
        url, log = self.addresses[name], self.folder / "logs" / f"{name}.log"
        deadline = time.monotonic() + within
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
            while not await _is_ready(session, url):
                if self._keeper.hopeless(name) or time.monotonic() > deadline:
                    raise StartFailed(f"{name} did not get ready; {log}:\n{last_lines(log)}")
                await asyncio.sleep(0.05)

    @property
    def _pids(self) -> Path:
        return self.folder / "pids.json"

    @property
    def _keeper(self) -> Supervisor:
        if self._supervisor is None:
            raise RuntimeError("the stack is not up")
        return self._supervisor

    @property
    def _surroundings(self) -> Surroundings:
        if self._around is None:
            raise RuntimeError("the stack has not been started")
        return self._around

    async def _start(self) -> None:
        secrets.prepare(self.folder / "secrets", (*databases.SERVICES, "simulation"))
        chosen = ports.choose(self.folder / "ports.json", self._claims, self.plan.ports)
        self._around = Surroundings(self.folder, chosen, self.plan.detours)
        await all_or_none(self._database(), self._broker())
        for process in self.plan.processes:
            await self._keeper.start(process_unit(process, self._surroundings))
        # Spans are dropped, not kept, while there is no Zipkin: no process has to wait for it.
        self._tracing = asyncio.create_task(self._traces(), name="traces")
        await all_or_none(*(self._process_ready(process) for process in self.plan.processes))

    async def _database(self) -> None:
        around = self._surroundings
        await self._keeper.start(postgres_unit(around.folder, around.ports))
        await databases.prepare(
            postgres.socket_dsn(around.folder / "postgres", around.ports["postgres"], "postgres")
        )
        self._tell("postgres")
        await all_or_none(*(run_to_end(one, around) for one in self.plan.migrations))
        if self.plan.migrations:
            self._tell("migrations")

    async def _broker(self) -> None:
        if not self.plan.with_kafka:
            return
        around = self._surroundings
        await self._keeper.start(kafka_unit(around))
        self._tell("kafka")
        await all_or_none(*(run_to_end(one, around) for one in self.plan.topics))
        if self.plan.topics:
            self._tell("topics")

    async def _traces(self) -> None:
        if not self.plan.with_zipkin:
            return
        await self._keeper.start(zipkin_unit(self.folder, self._surroundings.ports))
        self._tell("zipkin")

    async def _process_ready(self, process: Process) -> None:
        await self.ready(process.name)
        self._tell(process.name)

    def _tell(self, what: str) -> None:
        self._say(f"{time.monotonic() - self._began:6.1f} s  {what}")


async def all_or_none(*steps: Awaitable[object]) -> None:
    """Runs all side by side; when one fails the others are ended before the failure is passed on."""
    tasks = [asyncio.ensure_future(step) for step in steps]
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


async def _is_ready(session: aiohttp.ClientSession, url: str) -> bool:
    """Ready is 200 from /readyz; the outside world, which has no such page, is ready when it is alive."""
    try:
        async with session.get(f"{url}/readyz") as answer:
            if answer.status != 404:
                return answer.status == 200
        async with session.get(f"{url}/livez") as answer:
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError, OSError):
        return False
