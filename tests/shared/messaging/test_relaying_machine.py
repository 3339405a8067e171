"""Writers that overlap, commit late or never, and relays that die at any moment: on the topic every committed event stands
in its key's order, from one on without a gap, and nothing else. On real Postgres and Kafka."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from deploy.local.postgres import PostgresServer
from shared.contracts.base import Topic
from shared.messaging import Database, KafkaSettings, Relay, ensure_topics, envelope
from shared.messaging.outbox import SHARDS
from shared.messaging.relay import READ
from shared.messaging.wakes import Wakes
from tests.machines import Machine, run_machine
from tests.shared.messaging.notes import ROLE, NoteWritten, opened, topic
from tests.stack_fixtures import a_database

pytestmark = pytest.mark.kafka

ALL = list(range(SHARDS))
pages = st.lists(st.sampled_from("abcd"), min_size=1, max_size=4)


@dataclass(slots=True)
class World:
    """A database, a topic, and somebody who reads it from the beginning on."""

    database: Database
    kafka: KafkaSettings
    topic: Topic
    consumer: AIOKafkaConsumer


class Relaying(Machine):
    """Three writers. Pages are of this run alone; the topic is that of all runs."""

    def __init__(self, runner: Any, world: World) -> None:
        super().__init__(runner, world)
        self.mark = uuid.uuid4().hex[:8]
        self.committed: dict[str, list[int]] = {}
        self.open: dict[int, tuple[Any, list[tuple[str, int]]]] = {}
        self.said = 0
        self.relays = [self._relay(), self._relay()]

    def _relay(self) -> Relay:
        return Relay(
            self.world.database, self.world.kafka, lane="routine",
            partitions_of=lambda _: self.world.topic.partitions, wakes=Wakes("", schema=ROLE),
        )  # fmt: skip

    @rule(slot=st.integers(0, 2), named=pages)
    def somebody_writes(self, slot: int, named: list[str]) -> None:
        """Its events have their numbers now, and are seen by nobody. Whoever speaks of the same page would wait."""
        taken = {page for _, events in self.open.values() for page, _ in events}
        if slot in self.open or taken & {self.mark + one for one in named}:
            return
        events = []
        for page in named:
            self.said += 1
            events.append((self.mark + page, self.said))
        context = self.world.database.transaction()
        tx = self.run(context.__aenter__())
        tx.emit(NoteWritten(page=page, number=number) for page, number in events)
        self.run(tx.flush())
        self.open[slot] = context, events

    @precondition(lambda self: self.open)
    @rule(data=st.data(), well=st.sampled_from([True, True, False]))
    def a_writer_ends(self, data: st.DataObject, well: bool) -> None:
        context, events = self.open.pop(data.draw(st.sampled_from(sorted(self.open))))
        if not well:
            self.run(context.__aexit__(ConnectionError, ConnectionError(), None))
            return
        self.run(context.__aexit__(None, None, None))
        for page, number in events:
            self.committed.setdefault(page, []).append(number)

    @rule(who=st.integers(0, 1))
    def a_relay_sends(self, who: int) -> None:
        self.run(self.relays[who]._drain_once(ALL))

    @rule(who=st.integers(0, 1), most=st.integers(1, 5))
    def a_relay_dies_with_rows_in_its_hands(self, who: int, most: int) -> None:
        """They were acknowledged; none was deleted. Another one takes over, with the connection, which takes long to make."""
        self.run(self._dies(who, most))

    async def _dies(self, who: int, most: int) -> None:
        relay, self.relays[who] = self.relays[who], self._relay()
        if rows := await self.world.database.pool.fetch(READ, "routine", ALL, most):
            await relay._send(rows)
        self.relays[who]._producer, relay._producer = relay._producer, None

    @rule()
    def all_is_as_it_was_said(self) -> None:
        assert self.run(self._on_topic()) == self.committed

    async def _on_topic(self) -> dict[str, list[int]]:
        while await self.relays[0]._drain_once(ALL):
            pass
        consumer, found = self.world.consumer, dict[str, dict[int, int]]()
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(consumer.assignment())
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    told = envelope.read(record.headers, record.key, record.value)
                    if told.key.startswith(self.mark):
                        number = orjson.loads(told.data)["number"]
                        assert found.setdefault(told.key, {}).setdefault(told.sequence, number) == number
        for sequences in found.values():  # in order of their first coming
            assert list(sequences) == list(range(1, len(sequences) + 1))
        return {page: list(sequences.values()) for page, sequences in found.items()}

    def teardown(self) -> None:
        for context, _ in self.open.values():
            self.run(context.__aexit__(None, None, None))
        for relay in self.relays:
            self.run(relay._drop_producer())


def test_whatever_dies_on_the_way_the_topic_holds_what_was_committed_in_its_order(
    postgres_server: PostgresServer, kafka_server: Any
) -> None:
    @asynccontextmanager
    async def world() -> AsyncIterator[World]:
        kafka, where = KafkaSettings(kafka_server.bootstrap), topic(f"tests.machine.{uuid.uuid4().hex[:8]}")
        await ensure_topics(kafka, (where,))
        NoteWritten.topic = where.name
        async with (
            a_database(postgres_server) as fresh,
            opened(fresh.dsn(ROLE), size=5) as database,
            AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap_servers) as consumer,
        ):
            consumer.assign([TopicPartition(where.name, number) for number in range(where.partitions)])
            yield World(database, kafka, where, consumer)

    run_machine(Relaying, world(), examples=5, steps=25)
