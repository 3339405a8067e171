"""The real process on real Kafka and Postgres: a therapist by HTTP and a case by Kafka in, a match on its lane out."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import orjson
import pytest
import uuid_utils
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from joserfc.jwk import OKPKey

from deploy.local.kafka import KafkaServer
from deploy.local.ports import free_port
from services.matching.api.profiles import EXAMPLE
from shared.contracts.base import Event
from shared.contracts.intake import CaseUpdated
from shared.contracts.topics import TOPICS
from shared.messaging import KafkaSettings, ensure_topics
from shared.messaging.outbox import partition_of
from shared.telemetry import new_traceparent
from shared.web import TokenSigner
from tests.matching.events import a_case, booked, cancelled, withdrawal
from tests.stack_fixtures import FreshDatabase

pytestmark = pytest.mark.kafka


@asynccontextmanager
async def running(role: str, environment: Mapping[str, str]) -> AsyncIterator[httpx2.AsyncClient]:
    """A process of that role, ready unless it migrates; it must leave by itself with code 0."""
    port = str(free_port())
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.matching.main", "--role", role,
        env=os.environ | environment | {"HTTP_PORT": port},
    )  # fmt: skip
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            if role != "migrate":
                await ready(client)
            yield client
        if role != "migrate":
            process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def ready(client: httpx2.AsyncClient) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                if (await client.get("/readyz")).status_code == 200:
                    return
            except httpx2.TransportError:
                pass
            await asyncio.sleep(0.05)


async def tell(bootstrap: str, event: Event, sequence: int, trace: str) -> None:
    """One event as its producer's relay would send it."""
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
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        await producer.send_and_wait(
            event.destination,
            event.model_dump_json().encode(),
            event.key.encode(),
            partition_of(event.key, 12),
            headers=[(name, value.encode()) for name, value in headers.items()],
        )


async def said(bootstrap: str, topic: str, key: UUID, count: int) -> list[Any]:
    """The first `count` records of a topic about one key."""
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False) as consumer:
        place = TopicPartition(topic, partition_of(str(key), 12))
        consumer.assign([place])
        consumer.seek(place, 0)
        found: list[Any] = []
        async with asyncio.timeout(20):
            while len(found) < count:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += [record for record in records if record.key.decode() == str(key)]
        return found


@asynccontextmanager
async def matching(database: FreshDatabase, bootstrap: str, tmp_path: Path) -> AsyncIterator[UUID]:
    """The whole service, migrated, with one therapist."""
    await ensure_topics(KafkaSettings(bootstrap), TOPICS)
    key = OKPKey.generate_key("Ed25519", parameters={"kid": "tests"}, private=True)
    (tmp_path / "private").write_bytes(orjson.dumps(key.as_dict(private=True)))
    (tmp_path / "public").write_bytes(orjson.dumps(TokenSigner(tmp_path / "private").public_keys()))
    environment = {
        "DATABASE_URL": database.dsn("matching"),
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "TOKEN_PUBLIC_KEY_FILE": str(tmp_path / "public"),
        "ENVIRONMENT": "test",
    }
    coordinator = TokenSigner(tmp_path / "private").sign("staff-1", "coordinator", now=time.time())
    headers = {"authorization": f"Bearer {coordinator}"}
    therapist = UUID(bytes=uuid_utils.uuid7().bytes)
    profile = EXAMPLE | {"modalities": ["video"], "sites": []}
    async with running("migrate", environment):
        pass
    async with running("all", environment) as client:
        made = await client.put(f"/v1/therapists/{therapist}", json=profile, headers=headers)
        assert made.status_code == 201
        yield therapist


async def test_a_case_is_matched_and_withdrawn_on_its_lane_in_its_own_trace(
    database: FreshDatabase, kafka_server: KafkaServer, tmp_path: Path
) -> None:
    bootstrap = kafka_server.bootstrap
    case, trace = a_case(), new_traceparent(True)
    async with matching(database, bootstrap, tmp_path) as therapist:
        [changed] = await said(bootstrap, "matching.therapists", therapist, 1)
        await tell(bootstrap, case, 1, trace)
        [match] = await said(bootstrap, "matching.matches.online", case.case_id, 1)
        await tell(bootstrap, withdrawal(case.case_id), 2, trace)
        [_, withdrawn] = await said(bootstrap, "matching.matches.online", case.case_id, 2)
    assert orjson.loads(changed.value)["lanes"] == ["online"]
    assert orjson.loads(match.value)["candidates"][0]["therapist_id"] == str(therapist)
    told = [dict(record.headers) for record in (match, withdrawn)]
    assert [one["ce_type"] for one in told] == [b"matching.match_made.v1", b"matching.match_withdrawn.v1"]
    assert [one["ce_sequence"] for one in told] == [b"1", b"2"]
    assert {one["traceparent"].decode()[3:35] for one in told} == {trace[3:35]}


async def test_a_case_whose_hour_was_cancelled_is_matched_again_when_it_goes_on(
    database: FreshDatabase, kafka_server: KafkaServer, tmp_path: Path
) -> None:
    bootstrap = kafka_server.bootstrap
    case, trace = a_case(), new_traceparent(True)
    async with matching(database, bootstrap, tmp_path):
        await tell(bootstrap, case, 1, trace)
        [match] = await said(bootstrap, "matching.matches.online", case.case_id, 1)
        hour = booked(orjson.loads(match.value))
        await tell(bootstrap, hour, 1, trace)
        await tell(bootstrap, cancelled(hour), 2, trace)
        goes_on = case.model_dump() | {"request_version": 2, "updated_at": case.submitted_at}
        await tell(bootstrap, CaseUpdated(**goes_on, resumed_after=1), 2, trace)
        _, second = await said(bootstrap, "matching.matches.online", case.case_id, 2)
    assert orjson.loads(second.value)["attempt"] == 2
    assert dict(second.headers)["ce_type"] == b"matching.match_made.v1"
