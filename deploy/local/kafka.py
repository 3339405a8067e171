"""A real Apache Kafka broker (KRaft, one node) on loopback, as a child of whoever starts it."""

import asyncio
import base64
import signal
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aiokafka.client import AIOKafkaClient

from deploy.local import jars
from deploy.local.child import Child, Program, run
from deploy.local.java import java, surroundings
from deploy.local.leftovers import end_leftover
from deploy.local.ports import answers

MECHANISM = "SCRAM-SHA-512"
SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    # Topics are made from the one table of topics; a slip of the pen must not make another.
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "num.network.threads": "2",
    "num.io.threads": "2",
    "num.recovery.threads.per.data.dir": "2",
    "background.threads": "2",
    # A killed broker may come back only when its old session has run out: 9 s of silence by default.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    # An index file is mapped per partition, and the first touch reads ahead: with 1 MB each the kernel spent a
    # twentieth of a run's time on zeroing the holes of some 300 files. A full index only begins a new segment.
    "log.index.size.max.bytes": "65536",
}


ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Guard:
    """Who may connect, by password (SCRAM-SHA-512, as in production, there over TLS); what they may then do is for rules
    to say. `passwords` has ADMIN's, who may do everything."""

    passwords: Mapping[str, str]

    def settings(self) -> dict[str, str]:
        """What is other than on an open broker. The controller listens on loopback alone, to itself."""
        module = "org.apache.kafka.common.security.scram.ScramLoginModule"
        login = f'{module} required username="{ADMIN}" password="{self.passwords[ADMIN]}";'
        return {
            "inter.broker.listener.name": "SASL_PLAINTEXT",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT",
            "sasl.enabled.mechanisms": MECHANISM,
            "sasl.mechanism.inter.broker.protocol": MECHANISM,
            f"listener.name.sasl_plaintext.{MECHANISM.lower()}.sasl.jaas.config": login,
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "false",
            "super.users": f"User:{ADMIN};User:ANONYMOUS",
        }

    def scram(self) -> list[str]:
        """For the tool that formats an empty log: users are a part of it."""
        return [
            part
            for name, password in self.passwords.items()
            for part in ("--add-scram", f"{MECHANISM}=[name={name},password={password}]")
        ]

    def security(self, name: str) -> tuple[tuple[str, str], ...]:
        """With what a client of ours connects as that user."""
        return (
            ("security_protocol", "SASL_PLAINTEXT"),
            ("sasl_mechanism", MECHANISM),
            ("sasl_plain_username", name),
            ("sasl_plain_password", self.passwords[name]),
        )


class KafkaServer:
    """A running broker."""

    def __init__(self, child: Child, bootstrap: str) -> None:
        self._child = child
        self.bootstrap = bootstrap

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child.running

    def kill(self, sent: signal.Signals = signal.SIGKILL) -> None:
        """A fault: kill it, or freeze it with SIGSTOP and go on with SIGCONT."""
        self._child.kill(sent)

    async def stop(self) -> None:
        """A clean shutdown: logs are closed, so the next start recovers nothing."""
        await self._child.stop(grace=20)


async def start(
    data: Path,
    port: int,
    controller_port: int,
    *,
    guard: Guard | None = None,
    advertised: int | None = None,
) -> KafkaServer:
    """Starts the broker on `data`, formatting it first when it is empty; with a guard only its users may connect.

    `advertised` is the port that clients are told to come to, where something stands between them and the broker.
    """
    data = data.absolute()
    data.mkdir(parents=True, exist_ok=True)
    class_path = await asyncio.to_thread(jars.class_path, "kafka")
    properties = data / "server.properties"
    properties.write_text(_properties(data, (port, controller_port), advertised or port, guard))
    await end_leftover(_last_pid(data), str(properties), signal.SIGTERM)
    if not (data / "logs" / "meta.properties").exists():
        await asyncio.to_thread(_format, data, class_path, properties, guard)
    child = Child(_program(data, class_path, properties))
    (data / "kafka.pid").write_text(str(child.pid))
    bootstrap = f"127.0.0.1:{port}"
    try:
        await child.until(lambda: answers(port), seconds=60)
        await _serves(bootstrap, dict(guard.security(ADMIN)) if guard else {})
    except BaseException:
        await child.stop()
        raise
    return KafkaServer(child, bootstrap)


def _program(data: Path, class_path: str, properties: Path) -> Program:
    quiet = ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true")
    return Program(
        name="kafka",
        argv=(
            *java(data / "scratch", *quiet, shared="kafka"),
            "-cp",
            class_path,
            "kafka.Kafka",
            str(properties),
        ),
        log=data.parent / "logs" / "kafka.log",
        environment=surroundings(),
    )


def _format(data: Path, class_path: str, properties: Path, guard: Guard | None) -> None:
    tool = (*java(data / "scratch", shared="kafka-format"), "-cp", class_path, "kafka.tools.StorageTool")
    users = guard.scram() if guard else []
    run([*tool, "format", "-t", _cluster_id(), "-c", str(properties), *users], environment=surroundings())


async def _serves(bootstrap: str, security: dict[str, str]) -> None:
    """The port is open before requests are served; the first answer comes when they are."""
    client = AIOKafkaClient(bootstrap_servers=bootstrap, request_timeout_ms=30_000, **security)
    try:
        await client.bootstrap()
    finally:
        await client.close()


def _properties(data: Path, ports: tuple[int, int], advertised: int, guard: Guard | None) -> str:
    port, controller_port = ports
    listener = "SASL_PLAINTEXT" if guard else "PLAINTEXT"
    settings = SETTINGS | {
        "listeners": f"{listener}://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"{listener}://127.0.0.1:{advertised}",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "log.dirs": str(data / "logs"),
    }
    settings |= guard.settings() if guard else {}
    return "".join(f"{name}={_escaped(value)}\n" for name, value in settings.items())


def _escaped(value: str) -> str:
    """A properties file is Latin-1 with escapes, whatever the folder is called."""
    return "".join(sign if " " <= sign <= "~" and sign != "\\" else f"\\u{ord(sign):04x}" for sign in value)


def _cluster_id() -> str:
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")


def _last_pid(data: Path) -> int | None:
    file = data / "kafka.pid"
    return int(file.read_text()) if file.exists() else None
