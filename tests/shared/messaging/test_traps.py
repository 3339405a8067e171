"""aiokafka's traps (each found by somebody before us), and why we do not fall into them: a test for each.

Elsewhere: brokers away or frozen while a client stops (aiokafka#659, test_leaving.py), a coordination that has died
(aiokafka#796, test_reading.py), partitions that are taken away during a fetch (test_ownership.py), retries of one request
at a time that keep the order (test_relaying_machine.py).
"""

import re
import signal
from pathlib import Path
from typing import Any, ClassVar, get_args

import aiokafka
import asyncpg
import pytest
from aiokafka import TopicPartition

from shared.messaging import KafkaSettings, kafka, relay
from shared.settings import BrokerSettings
from tests.shared.messaging import notes
from tests.shared.messaging.notes import NoteWritten, partition_of
from tests.shared.messaging.test_reading import bench, written
from tests.waiting import until

pytestmark = pytest.mark.kafka

ROOT = Path(__file__).parents[3]
OURS = "\n".join(
    file.read_text() for folder in ("shared", "services") for file in sorted((ROOT / folder).rglob("*.py"))
)
LARGEST = 900_000


class NoteKept(NoteWritten):
    """A note with a text."""

    type_name: ClassVar[str] = "tests.note_kept.v1"

    text: str


async def test_no_default_that_loses_or_repeats_is_left_in_place(kafka_server: Any) -> None:
    settings = KafkaSettings(kafka_server.bootstrap)
    producer, consumer = kafka.producer(settings, "tests"), kafka.consumer(settings, "tests", "tests")
    assert (producer._sender._acks, producer._txn_manager is not None) == (-1, True)
    assert producer._txn_manager.transactional_id is None
    assert producer.client._metadata_max_age_ms == consumer._client._metadata_max_age_ms == 30_000
    wanted = (False, "none", "read_committed", True)
    settled = ("_enable_auto_commit", "_auto_offset_reset", "_isolation_level", "_check_crcs")
    assert tuple(getattr(consumer, name) for name in settled) == wanted
    for client in (producer, consumer):
        await kafka.close(client)


def test_a_version_is_used_in_which_lingering_and_reading_what_is_committed_are_right() -> None:
    assert tuple(int(part) for part in aiokafka.__version__.split(".")[:2]) >= (0, 14)


def test_no_group_of_kafkas_can_take_partitions_away_or_throw_a_slow_handler_out() -> None:
    """Rejoins that hang (#847), heartbeat storms (#335), listeners that dead-lock, half static members, polls that come
    too late: all of them are of subscriptions. Ours are assigned by locks."""
    assert "consumer.assign(" in OURS
    assert not re.search(r"\.subscribe\(|ConsumerRebalanceListener|group_instance_id", OURS)


def test_records_go_in_batches_and_never_one_by_one() -> None:
    """Many concurrent `send` wake one another (#528)."""
    assert "send_batch(" in OURS
    assert not re.search(r"producer\.send\(|send_and_wait\(", OURS)


def test_no_login_is_offered_that_ends_by_itself() -> None:
    """With OAUTHBEARER brokers drop connections when the token expires (#1105)."""
    assert kafka.SASL_MECHANISM == "SCRAM-SHA-512"
    protocols = get_args(BrokerSettings.model_fields["kafka_security_protocol"].annotation)
    assert {*protocols} == {"PLAINTEXT", "SASL_PLAINTEXT", "SASL_SSL"}
    assert not re.search(r"OAUTHBEARER|sasl_oauth", OURS)


def test_no_instrumentation_is_installed_that_grows_or_breaks_headers() -> None:
    """opentelemetry-instrumentation-asyncio keeps every task (#1100); that of aiokafka passed headers twice."""
    assert "opentelemetry-instrumentation" not in (ROOT / "requirements.txt").read_text()


async def test_a_producer_that_is_out_of_sequence_is_replaced_and_nothing_is_lost_or_sent_twice(
    database: Any, kafka_server: Any
) -> None:
    """It would refuse every further record of that partition until the process is started again (#1017)."""
    async with bench(database, kafka_server) as it:
        sending = it.relay()
        it.consumer()
        await it.say(*written("a", 1))
        await it.applied_are({"a": [1]})
        place = TopicPartition(it.topic.name, partition_of("a", it.topic.partitions))
        sending._producer._txn_manager.increment_sequence_number(place, 7)  # type: ignore[union-attr]
        await it.say(*written("a", 2))
        await it.applied_are({"a": [1, 2]})
        assert sending.producer_rebuilds == 2


async def test_a_batch_that_never_expires_has_a_deadline_of_ours_and_readiness_tells(
    database: Any, kafka_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With idempotence aiokafka goes on trying for ever, in silence."""
    monkeypatch.setattr(relay, "SEND_SECONDS", 1.0)
    async with bench(database, kafka_server) as it:
        sending = it.relay()
        it.consumer()
        await it.say(*written("a", 1))
        await it.applied_are({"a": [1]})
        kafka_server.kill(signal.SIGSTOP)
        try:
            await it.say(*written("a", 2))
            await until(lambda: sending.ready() == "kafka", "readiness says what it waits for")
        finally:
            kafka_server.kill(signal.SIGCONT)
        await it.applied_are({"a": [1, 2]})
        await until(lambda: sending.ready() is None, "ready again")


async def test_the_largest_event_that_may_be_said_goes_through_and_a_larger_one_is_never_said(
    database: Any, kafka_server: Any
) -> None:
    """One that the broker refuses would stop its partition: the sequence has been advanced by then."""
    async with bench(database, kafka_server) as it:
        NoteKept.topic = it.topic.name
        it.relay()
        it.consumer({NoteWritten: notes.record_notes, NoteKept: notes.record_notes})
        short = len(NoteKept(page="a", number=2, text="").model_dump_json())
        largest = NoteKept(page="a", number=2, text="x" * (LARGEST - short))
        larger = largest.model_copy(update={"text": largest.text + "x"})
        with pytest.raises(asyncpg.CheckViolationError):
            await it.say(*written("a", 1), larger)
        await it.say(*written("a", 1), largest, *written("a", 3), largest.model_copy(update={"number": 4}))
        await it.applied_are({"a": [1, 2, 3, 4]})


async def test_no_more_than_one_batch_is_ever_handed_over_at_once(
    database: Any, kafka_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiokafka has no limit of its own to what waits in memory."""
    monkeypatch.setattr(relay, "BATCH", 10)
    async with bench(database, kafka_server) as it:
        await it.say(*written("a", *range(1, 96)))
        sending = it.relay()
        it.consumer()
        await it.applied_are({"a": list(range(1, 96))})
        assert sending.metrics()["outbox_batches_total"] >= 10
