"""A reader that has stopped itself still owns its partitions: that it does not read is told from the log."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import uuid_utils
from aiokafka import AIOKafkaProducer

from deploy.local.kafka import KafkaServer
from services.console.handlers import journeys
from shared.contracts.topics import TOPICS
from shared.messaging import KafkaSettings, ensure_topics
from shared.messaging.outbox import partition_of
from tests.console.conftest import Headers, Worklist

pytestmark = pytest.mark.kafka
CODE, TOPIC = "7K3M9Q2T4X", "intake.cases"


@pytest.fixture
def bootstrap(kafka_server: KafkaServer) -> str:
    return kafka_server.bootstrap


async def said(bootstrap: str, case: UUID, ago: timedelta) -> tuple[int, int]:
    """Where an event that was said so long ago lies in the log: partition and offset."""
    await ensure_topics(KafkaSettings(bootstrap), TOPICS)
    place = partition_of(str(case), 12)
    at = datetime.now(UTC) - ago
    # Whole, though nobody knows its type: others read this topic of the run's broker too, and must not stop at it.
    headers = {
        "ce_specversion": "1.0",
        "ce_id": str(uuid_utils.uuid7()),
        "ce_source": "tests",
        "ce_type": "tests.nothing_happened.v1",
        "ce_time": at.isoformat(),
        "ce_subject": str(case),
        "ce_sequence": "1",
    }
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        record = await producer.send_and_wait(
            TOPIC,
            b"{}",
            str(case).encode(),
            place,
            timestamp_ms=int(at.timestamp() * 1000),
            headers=[(name, value.encode()) for name, value in headers.items()],
        )
    return place, int(record.offset)


@pytest.mark.parametrize(("ago", "read", "told"), [(60, 0, 1), (60, 1, 0), (0, 0, 0)])
async def test_what_is_not_read_for_a_while_is_told_and_what_is_on_its_way_is_not(
    worklist: Worklist, staff: Headers, bootstrap: str, ago: int, read: int, told: int
) -> None:
    case = await worklist.add_case(CODE)
    place, offset = await said(bootstrap, case, timedelta(seconds=ago))
    await worklist.admin.execute(
        "INSERT INTO matching.offsets (grp, topic, partition, next) VALUES ('matching', $1, $2, $3)",
        TOPIC, place, offset + read,
    )  # fmt: skip
    answer = await worklist.client.get(f"/v1/journeys/{CODE}", headers=staff("operator"))
    late = [one for one in answer.json()["waits_for"] if one["cause"] == "consumer_behind"]
    assert [one["what"] for one in late] == [f"1 left to read in {TOPIC}/{place} as matching"] * told
    assert "broker_away" not in answer.text


async def test_a_broker_that_does_not_answer_is_said_and_not_waited_for(
    worklist: Worklist, staff: Headers, bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = await worklist.add_case(CODE)
    place, offset = await said(bootstrap, case, timedelta(0))
    await worklist.admin.execute(
        "INSERT INTO matching.offsets (grp, topic, partition, next) VALUES ('matching', $1, $2, $3)",
        TOPIC, place, offset,
    )  # fmt: skip
    monkeypatch.setattr(journeys, "ASKED_FOR_SECONDS", 0.0)
    answer = await worklist.client.get(f"/v1/journeys/{CODE}", headers=staff("operator"))
    assert answer.status_code == 200
    assert answer.json()["waits_for"][0]["cause"] == "broker_away"
