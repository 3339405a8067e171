"""What all of them are measured on: PostgreSQL, Kafka, the gateways, our migrations, and the care of the fixed world.

The care is put in by our own services, which are ended before a peer begins.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from benchmarks import stacks, usage
from deploy.local import databases, ports, postgres, secrets
from deploy.local.child import Child, Program
from deploy.local.processes import PROCESSES
from deploy.local.stack import Plan, Stack

FOLDER = Path(".local/peers")
ROOT = Path(__file__).resolve().parents[2]
SEEDING = ("matching", "scheduling", "scheduling-online", "notifications")
READY_SECONDS = 40.0
PEER_PORT = "peer"


@dataclass(slots=True)
class Stage:
    """A stack with its world; `peers` are the processes of whoever is measured now, `servers` what they need besides, and `told` where
    they find it, by the name in the environment."""

    stack: Stack
    connection: asyncpg.Connection
    peers: dict[str, Child] = field(default_factory=dict)
    servers: dict[str, Child] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)

    @property
    def sinks(self) -> Path:
        return self.stack.folder / "sinks"

    @property
    def peer_url(self) -> str:
        return self.stack.addresses[PEER_PORT]

    def environment(self, **more: str) -> dict[str, str]:
        """What a peer's process is told."""
        around, addresses = self.stack.surroundings, self.stack.addresses
        told = {
            "DATABASE_URL": self.dsn(databases.NAME),
            "KAFKA_BOOTSTRAP_SERVERS": addresses["kafka"],
            "DEPLOYMENT_KEY_FILE": str(around.secrets / secrets.DEPLOYMENT_KEY),
            "SMS_GATEWAY_URL": addresses["sms"],
            "SMTP_PORT": str(around.ports["smtp"]),
            "HTTP_PORT": str(around.ports[PEER_PORT]),
        }
        return dict(os.environ) | told | self.told | more  # noqa: TID251 - the caller's own is handed on

    def dsn(self, database: str) -> str:
        """A database by the socket, as its owner: a peer has one role for everything."""
        around = self.stack.surroundings
        return postgres.socket_dsn(around.folder / "postgres", around.ports["postgres"], database)

    async def start(self, name: str, module: str, *arguments: str, told: Mapping[str, str]) -> None:
        """Starts one process of a peer, and waits until it says that it is ready."""
        log = self.stack.folder / "logs" / f"peer-{name}.log"
        log.unlink(missing_ok=True)
        command = (sys.executable, "-m", module, *arguments)
        child = Child(Program(f"peer-{name}", command, log, self.environment(**told), ROOT))
        self.peers[name] = child
        await child.until(lambda: "ready" in log.read_text(errors="replace").split(), seconds=READY_SECONDS)

    async def serve(self, name: str, command: tuple[str, ...], *, port: int) -> None:
        """Starts a server of a peer's own, which stays for all of its turns, and waits until it answers on that port."""
        child = Child(Program(name, command, self.stack.folder / "logs" / f"{name}.log", folder=ROOT))
        self.servers[name] = child
        await child.until(lambda: ports.answers(port), seconds=READY_SECONDS)

    async def end_peers(self) -> None:
        """Ends what one turn has started."""
        await asyncio.gather(*(child.stop() for child in self.peers.values()))
        self.peers.clear()

    async def end(self) -> None:
        """Ends whatever was started."""
        await self.end_peers()
        await asyncio.gather(*(child.stop() for child in self.servers.values()))
        self.servers.clear()

    async def make_topics(self, names: tuple[str, ...], partitions: int) -> None:
        """As a user of one broker would have them made."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.stack.addresses["kafka"])
        await admin.start()
        try:
            await admin.create_topics([NewTopic(name, partitions, 1) for name in names])
        finally:
            await admin.close()

    def used(self) -> dict[str, usage.Usage]:
        """By part, up to now."""
        own = {name: child.pid for name, child in (self.peers | self.servers).items()}
        return stacks.used(self.stack, own)


@asynccontextmanager
async def stage(seed: int, *, ours: bool) -> AsyncIterator[Stage]:
    """Up with its care known. `ours`: all our processes stay, and their traces are kept; else the gateways alone stay."""
    kept = [one for one in PROCESSES if ours or one.name in (*SEEDING, "sms")]
    plan = Plan(processes=kept, with_zipkin=ours, ports=ports.anywhere([*ports.PREFERRED, PEER_PORT]))
    async with stacks.started(FOLDER, plan) as stack:
        await stacks.populate(stack, seed)
        await stack.traced()
        for name in () if ours else SEEDING:
            await stack.hold(name)
        connection = await asyncpg.connect(stack.addresses["database"])
        one = Stage(stack, connection)
        try:
            await connection.execute("VACUUM ANALYZE")
            yield one
        finally:
            await one.end()
            await connection.close()
