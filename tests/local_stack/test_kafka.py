"""The broker of the local stack: real, quiet about new topics, and keeping what it acknowledged."""

import signal
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import UnknownTopicOrPartitionError

from deploy.local import kafka
from deploy.local.kafka import KafkaServer
from deploy.local.ports import free_port
from deploy.local.reading import print_topic

pytestmark = pytest.mark.kafka


async def make_topic(server: KafkaServer, name: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=server.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()


async def send(server: KafkaServer, topic: str, values: list[bytes]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=server.bootstrap, enable_idempotence=True, acks="all")
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(topic, value)
    finally:
        await producer.stop()


async def read(server: KafkaServer, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(bootstrap_servers=server.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, 0)])
        return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


async def test_what_is_sent_is_read(kafka_server: KafkaServer) -> None:
    await make_topic(kafka_server, "local.notes")
    await send(kafka_server, "local.notes", [b"one", b"two"])
    assert await read(kafka_server, "local.notes", 2) == [b"one", b"two"]


async def test_a_topic_can_be_looked_at(
    kafka_server: KafkaServer, capsys: pytest.CaptureFixture[str]
) -> None:
    await make_topic(kafka_server, "local.looked_at")
    await send(kafka_server, "local.looked_at", [b'{"number":1}', b'{"number":2}'])
    assert await print_topic(kafka_server.bootstrap, "local.looked_at") == 0
    assert capsys.readouterr().out.split() == ['{"data":{"number":1}}', '{"data":{"number":2}}']
    assert await print_topic(kafka_server.bootstrap, "local.loked_at") == 1
    assert "local.looked_at" in capsys.readouterr().out


async def test_a_misspelt_topic_is_an_error_and_not_a_new_topic(kafka_server: KafkaServer) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_server.bootstrap)
    await admin.start()
    try:
        described = await admin.describe_topics(["local.mispelt"])
        assert described[0]["error_code"] == UnknownTopicOrPartitionError.errno
        assert "local.mispelt" not in await admin.list_topics()
    finally:
        await admin.close()


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
async def test_a_restart_on_the_same_data_keeps_every_record(tmp_path: Path, end: signal.Signals) -> None:
    data = tmp_path / "سفر with spaces" / "kafka"
    server = await kafka.start(data, free_port(), free_port())
    await make_topic(server, "kept")
    await send(server, "kept", [b"one", b"two"])
    server.kill(end)
    await server.stop()
    server = await kafka.start(data, free_port(), free_port())  # ports may change between starts
    try:
        assert await read(server, "kept", 2) == [b"one", b"two"]
    finally:
        await server.stop()
    assert not server.running
