"""The real processes on real Kafka and Postgres: a fact in, an SMS out; an alarm in, a page out; clean leave."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import orjson
import pytest
import pytest_asyncio
import uuid_utils
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.local.child import Child, Program, last_lines
from deploy.local.kafka import KafkaServer
from deploy.local.ports import free_port
from services.notifications.domain.paging import reference
from services.notifications.settings import SYNTHETIC_DUTY_DESK
from shared.contracts.base import Event
from shared.contracts.topics import TOPICS
from shared.messaging import KafkaSettings, ensure_topics
from shared.messaging.outbox import partition_of
from shared.telemetry import new_traceparent
from tests.notifications.facts import a_booking, desk
from tests.notifications.outside import TOKEN, OutsideWorld, outside_world
from tests.notifications.test_handovers import given
from tests.notifications.test_pager import raised
from tests.stack_fixtures import FreshDatabase
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.kafka

ROOT = Path(__file__).parents[2]


class Processes:
    """Notifications' processes of one test, and the topics they hear and say."""

    def __init__(
        self, environment: Mapping[str, str], producer: AIOKafkaProducer, outside: OutsideWorld
    ) -> None:
        self.environment = environment
        self.producer = producer
        self.outside = outside

    async def tell(self, event: Event, sequence: int = 1) -> str:
        """One event as its producer's relay would send it; returns its trace."""
        trace = new_traceparent(True)
        headers = {
            "ce_specversion": "1.0",
            "ce_id": str(uuid_utils.uuid7()),
            "ce_source": "tests",
            "ce_type": event.type_name,
            "ce_time": "2026-01-01T00:00:00+00:00",
            "ce_subject": event.key,
            "ce_sequence": str(sequence),
            "traceparent": trace,
        }
        await self.producer.send_and_wait(
            event.destination,
            event.model_dump_json().encode(),
            event.key.encode(),
            partition_of(event.key, 12),
            headers=[(name, value.encode()) for name, value in headers.items()],
        )
        return trace

    def start(self, role: str, port: int) -> Child:
        """A process of that role, not yet ready; it never outlives the tests."""
        argv = (sys.executable, "-m", "services.notifications.main", "--role", role)
        environment = os.environ | self.environment | {"HTTP_PORT": str(port)}
        return Child(Program(role, argv, self.outside.folder / f"{role}-{port}.log", environment, ROOT))

    async def migrate(self) -> None:
        process = self.start("migrate", free_port())
        try:
            assert await asyncio.wait_for(process.wait(), PATIENCE) == 0, last_lines(process.program.log)
        finally:
            await process.stop(0)

    @asynccontextmanager
    async def running(self, role: str) -> AsyncIterator[str]:
        """A process of that role, ready; yields its base URL. It must leave by itself, with code 0."""
        port = free_port()
        process = self.start(role, port)
        try:
            await _ready(process, f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
            assert await process.stop(PATIENCE) == 0, last_lines(process.program.log)
        finally:
            await process.stop(0)


async def _ready(process: Child, url: str) -> None:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:

        async def ready() -> bool:
            assert process.running, last_lines(process.program.log)
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with session.get(f"{url}/readyz") as answer:
                    return answer.status == 200
            return False

        await until(ready, f"{process.program.name} ready")


@pytest_asyncio.fixture(loop_scope="session")
async def processes(
    database: FreshDatabase, kafka_server: KafkaServer, tmp_path: Path
) -> AsyncIterator[Processes]:
    await ensure_topics(KafkaSettings(kafka_server.bootstrap), TOPICS)
    (tmp_path / "token").write_text(TOKEN)
    async with (
        outside_world(tmp_path) as outside,
        AIOKafkaProducer(bootstrap_servers=kafka_server.bootstrap) as producer,
    ):
        environment = {
            "DATABASE_URL": database.dsn("notifications"),
            "KAFKA_BOOTSTRAP_SERVERS": kafka_server.bootstrap,
            "VAULT_URL": outside.url,
            "SMS_GATEWAY_URL": outside.url,
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(outside.smtp_port),
            "SERVICE_TOKEN_FILE": str(tmp_path / "token"),
            "ENVIRONMENT": "test",
            "SENDER_BATCH": "40",
            "SENDER_LEASE_SECONDS": "2",
        }
        made = Processes(environment, producer, outside)
        await made.migrate()
        yield made


async def arrived(outside: OutsideWorld, number: str, words: str = "") -> dict[str, Any]:
    """The SMS to that number with these words in it."""

    def found() -> list[dict[str, Any]]:
        return [sms for sms in outside.received("sms") if sms["to"] == number and words in sms["text"]]

    [sms] = await until(found, f"an SMS to {number}")
    return dict(sms)


def _about(records: Mapping[TopicPartition, list[Any]], case: str) -> Iterator[Any]:
    for queue in records.values():
        yield from (record for record in queue if record.key.decode() == case)


async def said_about(bootstrap: str, case: str, count: int) -> list[Any]:
    """The records of `notifications.deliveries` about one case, in order."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    try:
        await consumer.start()
        place = TopicPartition("notifications.deliveries", partition_of(case, 12))
        consumer.assign([place])
        consumer.seek(place, 0)
        found: list[Any] = []
        async with asyncio.timeout(PATIENCE):
            while len(found) < count:
                found += _about(await consumer.getmany(timeout_ms=200), case)
        return found
    finally:
        await consumer.stop()


async def test_a_booking_becomes_an_sms_and_its_fate_is_said_in_one_trace(
    processes: Processes, kafka_server: KafkaServer
) -> None:
    person, now = uuid4(), datetime.now(UTC)
    booking = a_booking(person, start=now + timedelta(days=3))
    contact = processes.outside.a_contact(
        person, "+923990000011", confirmed_until=now + timedelta(days=30), changed_at=now
    )
    async with AsyncExitStack() as running:
        for role in ("worker", "sender"):
            await running.enter_async_context(processes.running(role))
        trace = await processes.tell(booking)
        await processes.tell(contact)
        sms = await arrived(processes.outside, "+923990000011")
        records = await said_about(kafka_server.bootstrap, str(booking.case_id), 1)
    assert "is on" in sms["text"]
    told = [dict(record.headers) for record in records]
    assert [headers["ce_type"].decode().split(".")[1] for headers in told] == ["message_sent"]
    assert [headers["ce_sequence"] for headers in told] == [b"1"]
    assert {headers["traceparent"].decode()[3:35] for headers in told} == {trace[3:35]}
    assert {orjson.loads(record.value)["message_id"] for record in records} == {sms["id"]}


async def test_an_alarm_pages_the_desk_without_any_other_role(processes: Processes) -> None:
    alarm = uuid4()
    async with processes.running("pager"):
        await processes.tell(raised(alarm))
        # The broker keeps the alarms of other tests, and a new pager pages for every one that nobody has answered.
        page = await arrived(processes.outside, SYNTHETIC_DUTY_DESK, reference(alarm))
    assert page["text"].startswith("Duty desk: please look")


async def test_a_colleague_who_is_given_an_alarm_is_paged_on_their_own_number(
    processes: Processes, tmp_path: Path
) -> None:
    numbers, number = tmp_path / "numbers.json", "+923990000077"
    numbers.write_bytes(orjson.dumps({"s-bilal": number}))
    processes.environment = {**processes.environment, "STAFF_NUMBERS_FILE": str(numbers)}
    alarm = raised(uuid4())
    async with processes.running("pager"):
        await processes.tell(alarm)
        await processes.tell(given(alarm.alarm_id, 1).model_copy(update={"case_id": alarm.case_id}), 2)
        page = await arrived(processes.outside, number, reference(alarm.alarm_id))
    assert "s-bilal" not in str(page)


async def test_a_therapist_with_a_number_in_the_file_is_told_of_an_hour(
    processes: Processes, tmp_path: Path
) -> None:
    numbers, number, therapist = tmp_path / "numbers.json", "+923990000078", uuid4()
    numbers.write_bytes(orjson.dumps({str(therapist): number, "s-bilal": "+923990000077"}))
    processes.environment = {**processes.environment, "STAFF_NUMBERS_FILE": str(numbers)}
    soon = datetime.now(UTC) + timedelta(minutes=40)
    async with AsyncExitStack() as running:
        for role in ("worker", "sender"):
            await running.enter_async_context(processes.running(role))
        await processes.tell(a_booking(uuid4(), therapist_id=therapist, start=soon))
        sms = await arrived(processes.outside, number)
    assert sms["text"].startswith("A new appointment: ")


async def test_health_says_what_a_role_waits_for_and_metrics_how_old_the_oldest_is(
    processes: Processes,
) -> None:
    async with processes.running("sender") as url, aiohttp.ClientSession() as session:
        async with session.get(f"{url}/metrics") as answer:
            assert "humqadam_messages_oldest_due_seconds" in await answer.text()
        async with session.get(f"{url}/readyz") as answer:
            assert orjson.loads(await answer.read()) == {"status": "ready"}


async def _kill_in_the_middle(processes: Processes, sent: int) -> None:
    """A sender is killed as soon as more than `sent` messages have arrived."""
    sender = processes.start("sender", free_port())
    try:
        await until(lambda: len(processes.outside.received("sms")) > sent, f"{sent} SMS", every=0.005)
        sender.kill()
        await sender.wait()
    finally:
        await sender.stop(0)


async def test_a_killed_sender_loses_no_message_and_sends_none_twice(processes: Processes) -> None:
    outside, people = processes.outside, [uuid4() for _ in range(400)]
    later = datetime.now(UTC) + timedelta(days=30)
    async with desk(processes.environment["DATABASE_URL"]) as planned:
        planned.now = datetime.now(UTC)
        for number, person in enumerate(people):
            await planned.tell(outside.a_contact(person, f"+92399{number:07}", confirmed_until=later))
            await planned.tell(a_booking(person, start=later))
        for kill in range(3):
            await _kill_in_the_middle(processes, sent=100 * kill)

        async def all_delivered() -> bool:
            count = "SELECT count(*) FROM messages WHERE state = 'sent'"
            return int(await planned.pool.fetchval(count)) == 400

        async with processes.running("sender"):
            await until(all_delivered, "400 delivered", every=0.1)
        kinds = await planned.said_types()
    assert sorted(sms["to"] for sms in outside.received("sms")) == [f"+92399{n:07}" for n in range(400)]
    assert kinds == ["message_sent"] * 400
