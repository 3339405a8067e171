"""Kafka clients, made in one place with the settings that avoid aiokafka's traps (docs/reliability facts §2).

Defaults that would break promises: acks=1, no idempotence, auto commit, reset to `latest`.
"""

import asyncio
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from shared.contracts.base import Topic
from shared.settings import BrokerSettings

Client = TypeVar("Client", AIOKafkaProducer, AIOKafkaConsumer)
SASL_MECHANISM = "SCRAM-SHA-512"
# As aiokafka's own keyword arguments.
SENDING: dict[str, Any] = {
    "acks": "all",
    "enable_idempotence": True,
    "max_batch_size": 262_144,
    "max_request_size": 4_194_304,
    "linger_ms": 0,
}


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """Where the brokers are, and what production adds (SASL, TLS) as aiokafka's own keyword arguments."""

    bootstrap_servers: str
    security: tuple[tuple[str, Any], ...] = field(default=(), repr=False)  # a password is among them
    replication: int = 1

    @classmethod
    def of(cls, broker: BrokerSettings, *, replication: int = 1) -> "KafkaSettings":
        """As the environment says. Raises OSError where the password's file cannot be read, ValueError without one."""
        return cls(broker.kafka_bootstrap_servers, tuple(_security(broker).items()), replication)

    def common(self) -> dict[str, Any]:
        return {
            "bootstrap_servers": self.bootstrap_servers,
            # New partitions are seen within 30 s, not 5 minutes.
            "metadata_max_age_ms": 30_000,
            "request_timeout_ms": 15_000,
            **dict(self.security),
        }


def _security(broker: BrokerSettings) -> dict[str, Any]:
    if broker.kafka_security_protocol == "PLAINTEXT":
        return {}
    if broker.kafka_password_file is None or not broker.kafka_username:
        raise ValueError("KAFKA_USERNAME and KAFKA_PASSWORD_FILE are needed with SASL")
    said: dict[str, Any] = {
        "security_protocol": broker.kafka_security_protocol,
        "sasl_mechanism": SASL_MECHANISM,
        "sasl_plain_username": broker.kafka_username,
        "sasl_plain_password": broker.kafka_password_file.read_text().strip(),
    }
    if broker.kafka_security_protocol == "SASL_SSL":
        said["ssl_context"] = ssl.create_default_context(cafile=broker.kafka_ca_file)
    return said


def producer(settings: KafkaSettings, client: str) -> AIOKafkaProducer:
    """An idempotent producer that counts a record as sent when all in-sync replicas have it."""
    return AIOKafkaProducer(
        client_id=client,
        **SENDING,
        **settings.common(),
    )


def consumer(settings: KafkaSettings, group: str, client: str) -> AIOKafkaConsumer:
    """A consumer that is told its partitions; the group's name is for lag tools and autoscalers only."""
    return AIOKafkaConsumer(
        client_id=client,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        fetch_max_wait_ms=1000,  # answered at once when there is anything
        max_partition_fetch_bytes=2_097_152,
        check_crcs=True,
        **settings.common(),
    )


# Clients that take long to close; a task that nobody holds may be collected.
_closing: set["asyncio.Task[None]"] = set()


async def started(client: Client, seconds: float) -> Client:
    """The client, connected. Raises TimeoutError or KafkaError, and has closed it again then."""
    try:
        await asyncio.wait_for(client.start(), seconds)
    except BaseException:
        await close(client)
        raise
    return client


async def close(client: AIOKafkaProducer | AIOKafkaConsumer, seconds: float = 2.0) -> None:
    """Closes a client and waits for it, for at most so long: while brokers are away it takes until every request has
    run out of time (aiokafka#659). It goes on by itself then: cancelled half way, it would leave the client's other
    tasks and its sockets behind for ever, those that still send among them."""
    closing = asyncio.create_task(client.stop())
    _closing.add(closing)
    closing.add_done_callback(_closed)
    await asyncio.wait([closing], timeout=seconds)


def _closed(closing: "asyncio.Task[None]") -> None:
    _closing.discard(closing)
    if not closing.cancelled():
        closing.exception()  # looked at: a client that could not say goodbye is gone all the same


class WrongTopic(Exception):
    """A topic exists with another number of partitions: widening is the runbook's work, not a start's."""


async def ensure_topics(settings: KafkaSettings, topics: tuple[Topic, ...]) -> list[str]:
    """Creates what is missing, checks the partition count of what is there; returns the names created. Raises WrongTopic,
    and KafkaError where the broker refuses."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap_servers, **dict(settings.security))
    try:
        await admin.start()
        there = set(await admin.list_topics())
        missing = [topic for topic in topics if topic.name not in there]
        if missing:
            answer = await admin.create_topics([_new(topic, settings.replication) for topic in missing])
            _raise_refusals(answer.topic_errors)
        described = await admin.describe_topics([t.name for t in topics if t.name in there])
        partitions = {one["topic"]: len(one["partitions"]) for one in described}
        for topic in topics:
            if partitions.get(topic.name, topic.partitions) != topic.partitions:
                raise WrongTopic(f"{topic.name}: {partitions[topic.name]} partitions, not {topic.partitions}")
        return [topic.name for topic in missing]
    finally:
        await admin.close()


def _raise_refusals(errors: Iterable[Sequence[Any]]) -> None:
    """What the broker says of each topic: its name, a code, perhaps a text. Another start may have been faster."""
    for name, code, *_ in errors:
        if code not in (0, TopicAlreadyExistsError.errno):
            raise for_code(code)(name)


def _new(topic: Topic, replication: int) -> NewTopic:
    keep = -1 if topic.retention_days is None else topic.retention_days * 86_400_000
    return NewTopic(
        name=topic.name,
        num_partitions=topic.partitions,
        replication_factor=replication,
        topic_configs={
            "cleanup.policy": "compact" if topic.compacted else "delete",
            "retention.ms": str(keep),
            "min.insync.replicas": "2" if replication > 2 else "1",
        },
    )
