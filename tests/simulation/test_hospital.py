"""The partner hospital: reads its own topic like any outsider, survives a kill, and says what is missing."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import orjson
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from deploy.local.kafka import KafkaServer
from deploy.local.ports import free_port
from shared.contracts.partners import BookingBooked, BookingCancelled
from shared.contracts.topics import partner_topic
from shared.messaging import KafkaSettings, ensure_topics
from simulation.hospital.ledger import Ledger, hospital_books

NOW = datetime(2027, 1, 5, 8, 0, tzinfo=UTC)


def a_line(position: int, ref: str = "A", version: int = 1, partition: int = 0) -> dict[str, Any]:
    booking = {"booking_ref": ref, "version": version, "position": position}
    return {
        "id": f"{position}",
        "partition": partition,
        "offset": position - 1,
        "kind": "x",
        "booking": booking,
    }


def test_gaps_are_seen_whatever_the_order() -> None:
    ledger = Ledger()
    for line in (a_line(4, "D", partition=1), a_line(1), a_line(2, "A", 2)):
        ledger.enter(line)
    assert (ledger.position, ledger.gaps, ledger.problems) == (4, [3], [])
    ledger.enter(a_line(3, "C", partition=2))
    assert ledger.gaps == []


def test_an_event_told_twice_changes_nothing_and_a_version_that_jumps_is_noted() -> None:
    ledger = Ledger()
    for line in (a_line(1), a_line(1), a_line(2, "A", 3)):
        ledger.enter(line)
    assert ledger.problems == ["position 2: version 3, not 2"]
    assert ledger.bookings["A"]["version"] == 3


async def test_the_books_open_again_where_they_were_closed(tmp_path: Path) -> None:
    books = hospital_books(tmp_path)
    await books.enter([a_line(1), a_line(2, "B", partition=1)])
    books.close()
    again = hospital_books(tmp_path)
    assert again.ledger.offsets == {0: 1, 1: 2}
    assert set(again.ledger.bookings) == {"A", "B"}
    again.close()


def a_booking(organisation: str, position: int) -> BookingBooked:
    return BookingBooked(
        booking_ref=f"REF{position}",
        version=1,
        position=position,
        organisation=organisation,
        practitioner=uuid4(),
        site=None,
        room=None,
        start=NOW,
        end=NOW,
        time_zone="Asia/Karachi",
        modality="video",
        certainty="firm",
        status="booked",
        changed_at=NOW,
    )


@pytest_asyncio.fixture(loop_scope="session")
async def kafka_producer(kafka_server: KafkaServer) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(bootstrap_servers=kafka_server.bootstrap) as producer:
        yield producer


@asynccontextmanager
async def hospital(
    kafka: KafkaServer, topic: str, folder: Path
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "simulation.hospital",
        env=os.environ | {
            "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap, "TOPIC": topic, "HTTP_PORT": str(port), "SINK_DIR": str(folder),
        },
    )  # fmt: skip
    try:
        yield process, f"http://127.0.0.1:{port}/bookings"
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), 10)


async def reconciled(url: str, position: int, bookings: int) -> dict[str, Any]:
    """What the hospital answers once it has seen this position and so many bookings: across partitions the highest
    position may come before others."""
    async with aiohttp.ClientSession() as session:
        for _ in range(300):
            try:
                async with session.get(url) as answer:
                    content: dict[str, Any] = orjson.loads(await answer.read())
                if content["position"] >= position and len(content["bookings"]) >= bookings:
                    return content
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)
    raise TimeoutError


@pytest.mark.kafka
async def test_the_hospital_reconciles_from_the_beginning_and_after_a_kill(
    kafka_server: KafkaServer, kafka_producer: AIOKafkaProducer, tmp_path: Path
) -> None:
    organisation = f"hospital-{uuid4().hex[:8]}"
    topic = partner_topic(organisation)
    await ensure_topics(KafkaSettings(kafka_server.bootstrap), (topic,))

    async def tell(event: BookingBooked | BookingCancelled) -> None:
        headers = [("ce_id", b"x"), ("ce_type", event.type_name.encode())]
        await kafka_producer.send_and_wait(
            topic.name, event.model_dump_json().encode(), event.key.encode(), headers=headers
        )

    bookings = [a_booking(organisation, position) for position in range(1, 41)]
    for booking in bookings[:20]:
        await tell(booking)
    async with hospital(kafka_server, topic.name, tmp_path) as (process, url):
        assert len((await reconciled(url, 20, 20))["bookings"]) == 20
        process.kill()
        await process.wait()
    for booking in bookings[20:]:
        await tell(booking)
    await tell(BookingCancelled(**bookings[0].model_dump() | {
        "version": 2, "position": 41, "status": "cancelled", "reason": "by_person",
    }))  # fmt: skip
    async with hospital(kafka_server, topic.name, tmp_path) as (_, url):
        content = await reconciled(url, 41, 40)
        for _ in range(100):
            if not content["gaps"]:
                break
            content = await reconciled(url, 41, 40)
    assert (len(content["bookings"]), content["gaps"], content["problems"]) == (40, [], [])
    assert [b["status"] for b in content["bookings"] if b["booking_ref"] == "REF1"] == ["cancelled"]
    lines = (tmp_path / "hospital.jsonl").read_bytes().splitlines()
    assert len(lines) == 41
