"""A broker that asks who you are: everybody tries every topic, and what the one table does not name is refused.

The rules are those that production makes (`shared/contracts/grants.py`); the broker is a real one of this test alone.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from typer.testing import CliRunner

from deploy.kafka_access import allow
from deploy.local import kafka
from deploy.local.kafka import ADMIN, Guard
from deploy.local.ports import free_port
from services.console.main import app as console
from shared.contracts.base import Topic
from shared.contracts.grants import grants, principals
from shared.contracts.topics import GROUPS, TOPICS, partner_topic
from shared.messaging import KafkaSettings, ensure_topics
from shared.messaging.kafka import close, consumer, producer, started
from shared.settings import BrokerSettings, ProcessSettings
from tests.waiting import until

HOSPITAL = "rehmat-hospital"
PARTNERS = (HOSPITAL, "rehmat-hospital-2", "sehat-clinic")
STRANGER = "stranger"  # can connect, and is named nowhere
EVERYTHING: tuple[Topic, ...] = (*TOPICS, *map(partner_topic, PARTNERS))
NAMES = [topic.name for topic in EVERYTHING]
EVERYBODY = (*principals(PARTNERS), STRANGER)
REFUSED = 29  # TOPIC_AUTHORIZATION_FAILED


@dataclass(frozen=True, slots=True)
class Guarded:
    """The broker, and how to connect to it as somebody."""

    bootstrap: str
    guard: Guard

    def settings(self, principal: str) -> KafkaSettings:
        return KafkaSettings(self.bootstrap, self.guard.security(principal))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def guarded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Guarded]:
    passwords = {name: f"password-of-{name}" for name in (ADMIN, *EVERYBODY)}
    guard = Guard(passwords)
    folder: Path = tmp_path_factory.mktemp("guarded")
    server = await kafka.start(folder / "kafka", free_port(), free_port(), guard=guard)
    try:
        made = Guarded(server.bootstrap, guard)
        await allow(made.settings(ADMIN), grants(PARTNERS))
        # As in production: whoever makes topics is the console.
        await ensure_topics(made.settings("console"), EVERYTHING)

        async def led() -> bool:  # a topic is there a moment before it has leaders
            return set((await fetched(made, ADMIN)).values()) == {0}

        await until(led, "leaders of all topics")
        yield made
    finally:
        await server.stop()


def may_write(principal: str) -> set[str]:
    """By the table, read once more and not by the code that made the rules."""
    return {topic.name for topic in EVERYTHING if topic.producer == principal}


def may_read(principal: str) -> set[str]:
    return {topic.name for topic in EVERYTHING if principal in topic.readers}


def a_batch() -> bytes:
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=0, is_transactional=0, producer_id=-1, producer_epoch=-1, base_sequence=-1,
        batch_size=1000,
    )  # fmt: skip
    builder.append(0, timestamp=1, key=b"k", value=b"v", headers=[])
    return bytes(builder.build())


async def written(guarded: Guarded, principal: str) -> Mapping[str, int]:
    """What the broker answers to a record for every topic, as an error code by topic."""
    topics = [(name, [(0, a_batch())]) for name in NAMES]
    client = AIOKafkaClient(**guarded.settings(principal).common())
    await client.bootstrap()
    answer = await client.send(client.get_random_node(), ProduceRequest(None, -1, 10_000, topics))
    await client.close()
    return {topic: partitions[0][1] for topic, partitions in answer.topics}


async def fetched(guarded: Guarded, principal: str) -> Mapping[str, int]:
    """The same for reading every topic."""
    topics = [(name, [(0, 0, 1000)]) for name in NAMES]
    client = AIOKafkaClient(**guarded.settings(principal).common())
    await client.bootstrap()
    answer = await client.send(client.get_random_node(), FetchRequest(0, 0, 100_000, 0, topics))
    await client.close()
    return {topic: partitions[0][1] for topic, partitions in answer.topics}


@pytest.mark.kafka
@pytest.mark.parametrize("principal", EVERYBODY)
async def test_everybody_tries_to_write_every_topic(guarded: Guarded, principal: str) -> None:
    codes = await written(guarded, principal)
    allowed = may_write(principal)
    assert codes == {name: 0 if name in allowed else REFUSED for name in NAMES}


@pytest.mark.kafka
@pytest.mark.parametrize("principal", EVERYBODY)
async def test_everybody_tries_to_read_every_topic(guarded: Guarded, principal: str) -> None:
    codes = await fetched(guarded, principal)
    allowed = may_read(principal)
    assert codes == {name: 0 if name in allowed else REFUSED for name in NAMES}


@pytest.mark.kafka
async def test_our_own_clients_write_read_and_commit_with_these_rights(guarded: Guarded) -> None:
    """Idempotent producers and consumers that commit under their group, as the services have them."""
    sender = await started(producer(guarded.settings("scheduling"), "test"), 15)
    place = TopicPartition("scheduling.appointments", 3)
    await sender.send_and_wait(place.topic, b"v", b"k", partition=place.partition)
    await close(sender)
    for group, principal in (("partners", "partners"), ("notifications", "notifications")):
        reader = await started(consumer(guarded.settings(principal), group, "test"), 15)
        reader.assign([place])
        reader.seek(place, 0)
        assert (await reader.getone(place)).value == b"v"
        await reader.commit({place: 1})
        await close(reader)


@pytest.mark.kafka
async def test_a_partner_commits_in_groups_of_its_own_name_alone(guarded: Guarded) -> None:
    place = TopicPartition(f"partners.bookings.{HOSPITAL}", 0)

    async def commits(group: str) -> bool:
        reader: AIOKafkaConsumer = consumer(guarded.settings(HOSPITAL), group, "test")
        try:
            await started(reader, 15)
            reader.assign([place])
            await reader.commit({place: 0})
        except GroupAuthorizationFailedError:
            return False
        finally:
            await close(reader)
        return True

    tried = (HOSPITAL, f"{HOSPITAL}.diary", f"{HOSPITAL}-2", f"{HOSPITAL}-2.diary", "partners", "x")
    assert [await commits(group) for group in tried] == [True, True, False, False, False, False]


@pytest.mark.kafka
@pytest.mark.parametrize("principal", [name for name in EVERYBODY if name != "console"])
async def test_nobody_but_the_console_makes_topics(guarded: Guarded, principal: str) -> None:
    fresh = Topic(name=f"partners.bookings.by-{principal}", producer="partners", readers=(), key="x")
    with pytest.raises(TopicAuthorizationFailedError):
        await ensure_topics(guarded.settings(principal), (fresh,))


@pytest.mark.kafka
async def test_a_process_is_told_who_it_is_by_its_environment(
    guarded: Guarded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = guarded.guard.passwords["console"]
    (tmp_path / "password").write_text(secret + "\n")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", guarded.bootstrap)
    monkeypatch.setenv("KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT")
    monkeypatch.setenv("KAFKA_USERNAME", "console")
    with pytest.raises(ValueError, match="KAFKA_PASSWORD_FILE"):
        KafkaSettings.of(ProcessSettings())
    monkeypatch.setenv("KAFKA_PASSWORD_FILE", str(tmp_path / "password"))
    told = KafkaSettings.of(ProcessSettings())
    assert secret not in repr(told)
    assert await ensure_topics(told, EVERYTHING) == []
    # And so the operators' commands.
    monkeypatch.setenv("PARTNER_TOPICS", ",".join(PARTNERS))
    shown = await asyncio.to_thread(CliRunner().invoke, console, ["topics", "--json"])
    assert {row["was"] for row in json.loads(shown.output)} == {"there"}


def test_tls_trusts_the_system_or_the_authority_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "password").write_text("x")
    said = BrokerSettings(
        kafka_security_protocol="SASL_SSL", kafka_username="intake", kafka_password_file=tmp_path / "password"
    )
    context = KafkaSettings.of(said).common()["ssl_context"]
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    with pytest.raises(FileNotFoundError):
        KafkaSettings.of(said.model_copy(update={"kafka_ca_file": tmp_path / "none.pem"}))


@pytest.mark.kafka
async def test_who_has_no_password_does_not_come_in(guarded: Guarded) -> None:
    wrong = Guard({**guarded.guard.passwords, "intake": "guessed"})
    for security in ((), wrong.security("intake")):
        client = AIOKafkaClient(
            request_timeout_ms=3000, bootstrap_servers=guarded.bootstrap, **dict(security)
        )
        with pytest.raises((KafkaError, TimeoutError)):
            await asyncio.wait_for(client.bootstrap(), 10)
        await client.close()


def test_the_rules_are_the_table_and_nothing_more() -> None:
    rules = grants(PARTNERS)
    assert len(set(rules)) == len(rules)
    for principal in EVERYBODY:
        on_topics = [one for one in rules if one.principal == principal and one.resource == "topic"]
        assert {one.name for one in on_topics if one.operation == "write"} == may_write(principal)
        assert {one.name for one in on_topics if one.operation == "read"} == may_read(principal)
        assert not [one for one in on_topics if one.prefixed]
    assert {one.principal for one in rules if one.operation in ("create", "describe")} == {"console"}
    assert not [one for one in rules if one.name in ("*", "")]
    groups = {one.name: one.principal for one in rules if one.resource == "group" and not one.prefixed}
    assert groups == {g: g.split(".")[0] for g in GROUPS} | {name: name for name in PARTNERS}


@pytest.mark.parametrize("topic", ["intake.cases", "intake.alarms", "intake.contacts"])
def test_what_is_about_needs_and_addresses_has_few_readers(topic: str) -> None:
    readers = {one.principal for one in grants(PARTNERS) if (one.name, one.operation) == (topic, "read")}
    assert readers <= {"matching", "pager", "notifications"}
    assert not readers & {"console", "partners", "scheduling", *PARTNERS}


def test_the_console_prints_the_rules_for_kafkas_own_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARTNER_TOPICS", ",".join(PARTNERS))
    shown = CliRunner().invoke(console, ["access"]).output.splitlines()
    assert len(shown) == len(grants(PARTNERS))
    assert any(
        line.endswith("--allow-principal User:matching --operation Read --topic intake.cases")
        for line in shown
    )
    assert any(
        line.endswith(f"--operation Read --group {HOSPITAL}. --resource-pattern-type prefixed")
        for line in shown
    )
    listed = json.loads(CliRunner().invoke(console, ["access", "--json"]).output)
    assert listed[0] == grants(PARTNERS)[0]._asdict()
