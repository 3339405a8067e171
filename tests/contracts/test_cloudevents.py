"""What leaves us is a CloudEvent, judged by the CloudEvents SDK and not by our own reader."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka
from cloudevents.core.formats.json import JSONFormat
from jsonschema import Draft202012Validator

from shared.contracts import publish
from shared.contracts.examples import EXAMPLES
from shared.contracts.publish.asyncapi import TRACE, headers_of, payload_of
from shared.contracts.topics import EVENTS, TOPICS
from shared.messaging import KafkaSettings, Relay, ensure_topics
from shared.messaging.envelope import read, to_headers
from shared.messaging.wakes import Wakes
from tests.shared.messaging.notes import ROLE, opened
from tests.waiting import PATIENCE, running

AT = datetime(2026, 11, 26, 9, 16, 4, 120331, tzinfo=UTC)
OURS = [example for name, example in EXAMPLES.items() if name.startswith(f"{ROLE}.")]


def judged(headers: Iterable[tuple[str, bytes]], key: bytes, value: bytes) -> Any:
    """The record as the SDK understands it. Raises where it is no CloudEvent."""
    return from_kafka(KafkaMessage(dict(headers), key, value), JSONFormat())


def row_of(name: str) -> dict[str, Any]:
    """The outbox row of the published example."""
    told = headers_of(EXAMPLES[name])
    return {
        "event_id": told["ce_id"],
        "type": name,
        "at": AT,
        "key": EXAMPLES[name].key,
        "sequence": 1,
        "traceparent": TRACE,
    }


@pytest.mark.parametrize("name", EVENTS)
def test_the_sdk_reads_what_we_write(name: str) -> None:
    example = EXAMPLES[name]
    value = example.__pydantic_serializer__.to_json(example)
    event = judged(to_headers(name.partition(".")[0], row_of(name)), example.key.encode(), value)
    assert (event.get_specversion(), event.get_type()) == ("1.0", name)
    assert (event.get_id(), event.get_source()) == (row_of(name)["event_id"], name.partition(".")[0])
    assert (event.get_time(), event.get_subject()) == (AT, example.key)
    assert (event.get_datacontenttype(), event.get_extension("sequence")) == ("application/json", "1")
    assert event.get_dataschema() == publish.schema_of(EVENTS[name])["$id"]
    assert event.get_data() == payload_of(example)


@pytest.mark.parametrize("name", EVENTS)
def test_the_headers_that_are_published_as_an_example_are_those_that_are_sent(name: str) -> None:
    sent = to_headers(name.partition(".")[0], row_of(name))
    assert {key: text.decode() for key, text in sent} == headers_of(EXAMPLES[name])


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_a_published_schema_is_a_json_schema_of_2020_12(event: Any) -> None:
    schema = publish.schema_of(event)
    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(schema)


async def test_the_sdk_reads_what_the_relay_has_sent_to_kafka(database: Any, kafka_server: Any) -> None:
    settings = KafkaSettings(kafka_server.bootstrap)
    topics = tuple(topic for topic in TOPICS if topic.producer == ROLE)
    await ensure_topics(settings, topics)
    partitions = {topic.name: topic.partitions for topic in topics}
    async with opened(database.dsn(ROLE), size=4) as db:
        async with db.transaction(origin=TRACE) as tx:
            tx.emit(OURS)
        rows = {str(row["event_id"]): row for row in await db.pool.fetch("SELECT * FROM outbox")}
        relay = Relay(
            db,
            settings,
            lane="routine",
            partitions_of=partitions.__getitem__,
            wakes=Wakes(db.dsn, schema=ROLE),
        )
        async with (
            running(stop := asyncio.Event(), relay.run(stop)),
            reading(kafka_server, partitions) as reader,
        ):
            found = await records(reader, set(rows))
    assert set(found) == set(rows)
    for event_id, record in found.items():
        row, event = rows[event_id], judged(record.headers, record.key, record.value)
        assert (event.get_id(), event.get_type(), event.get_source()) == (event_id, row["type"], ROLE)
        assert (event.get_subject(), event.get_time()) == (row["key"], row["at"])
        assert (record.topic, record.key.decode()) == (row["topic"], row["key"])
        assert event.get_extension("sequence") == str(row["sequence"])
        assert event.get_data() == payload_of(EXAMPLES[row["type"]])
        assert dict(record.headers)["traceparent"].decode() == TRACE
        assert str(read(record.headers, record.key, record.value).id) == event_id


@asynccontextmanager
async def reading(kafka_server: Any, topics: Iterable[str]) -> AsyncIterator[AIOKafkaConsumer]:
    """A plain reader, as anybody would write one."""
    reader = AIOKafkaConsumer(*topics, bootstrap_servers=kafka_server.bootstrap, auto_offset_reset="earliest")
    await reader.start()
    try:
        yield reader
    finally:
        await reader.stop()


async def records(reader: AIOKafkaConsumer, wanted: set[str]) -> dict[str, Any]:
    """The records with these ids; other tests may have written to the same topics."""
    found: dict[str, Any] = {}
    async with asyncio.timeout(PATIENCE):
        while set(found) != wanted:
            record = await reader.getone()
            event_id = dict(record.headers)["ce_id"].decode()
            if event_id in wanted:
                found[event_id] = record
    return found
