"""From outbox to handler over real Kafka: everything once, in order, whatever fails on the way."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.contracts.base import Event, Topic
from shared.messaging import Consumer, Database, KafkaSettings, Relay, Transaction, ensure_topics
from shared.messaging.apply import Handler
from shared.messaging.desk import Desk
from shared.messaging.wakes import Wakes
from tests.shared.messaging import notes
from tests.shared.messaging.notes import HANDLERS, NoteStruck, NoteWritten, applied, opened, topic
from tests.waiting import running, until

pytestmark = pytest.mark.kafka


class Bench:
    """A relay and consumers on a topic of this test alone."""

    def __init__(self, database: Database, settings: KafkaSettings, where: Topic) -> None:
        self.database, self.settings, self.topic = database, settings, where
        self.stop = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []

    def relay(self) -> Relay:
        wakes = Wakes(self.database.dsn, schema=notes.ROLE)
        relay = Relay(
            self.database,
            self.settings,
            lane="routine",
            partitions_of=lambda _: self.topic.partitions,
            wakes=wakes,
        )
        self.tasks.append(asyncio.create_task(relay.run(self.stop)))
        return relay

    def consumer(self, handlers: Mapping[type[Event], Handler] = HANDLERS, group: str = "tests") -> Consumer:
        consumer = Consumer(
            self.database,
            self.settings,
            group=group,
            topics=[self.topic],
            handlers=handlers,
            known=frozenset({NoteWritten.type_name, NoteStruck.type_name}),
        )
        self.tasks.append(asyncio.create_task(consumer.run(self.stop)))
        return consumer

    def desk(self, consumer: Consumer) -> None:
        desk = Desk(self.database, [consumer], {consumer.group: ["applied"]})
        self.tasks.append(asyncio.create_task(desk.run(self.stop)))

    async def say(self, *events: Event) -> None:
        async with self.database.transaction() as tx:
            tx.emit(events)

    async def applied_are(self, expected: dict[str, list[int]]) -> None:
        last: dict[str, list[int]] = {}

        async def same() -> bool:
            last.clear()
            last.update(await applied(self.database))
            return last == expected

        try:
            await until(same, f"applied: {expected}", every=0.05)
        except AssertionError:
            assert last == expected


@asynccontextmanager
async def bench(database: Any, kafka_server: Any, **changes: Any) -> AsyncIterator[Bench]:
    settings = KafkaSettings(kafka_server.bootstrap)
    where = topic(f"tests.notes.{uuid.uuid4().hex[:8]}", **changes)
    await ensure_topics(settings, (where,))
    NoteWritten.topic = NoteStruck.topic = where.name
    async with opened(database.dsn("matching")) as db:
        it = Bench(db, settings, where)
        async with running(it.stop) as it.tasks:
            yield it


def written(page: str, *numbers: int) -> list[NoteWritten]:
    return [NoteWritten(page=page, number=number) for number in numbers]


async def test_what_is_said_is_applied_once_and_in_order(database: Any, kafka_server: Any) -> None:
    async with bench(database, kafka_server) as it:
        for number in range(1, 21):
            await it.say(*(note for page in "abcdef" for note in written(page, number)))
        it.relay()
        it.consumer()
        await it.applied_are({page: list(range(1, 21)) for page in "abcdef"})
        assert await it.database.pool.fetchval("SELECT count(*) FROM outbox") == 0


async def test_a_client_whose_coordination_has_died_is_replaced(database: Any, kafka_server: Any) -> None:
    """Seen once at a first start: an AssertionError ended aiokafka's coordination, and every read raised it again."""
    async with bench(database, kafka_server) as it:
        it.relay()
        consumer = it.consumer()
        await it.say(*written("a", 1))
        await it.applied_are({"a": [1]})
        coordinator = consumer._partitions._consumer._coordinator  # type: ignore[union-attr]
        coordinator._coordination_task.cancel()
        died = asyncio.get_running_loop().create_future()
        died.set_exception(KafkaError("coordination ended"))
        coordinator._coordination_task = died
        await it.say(*written("a", 2))
        await it.applied_are({"a": [1, 2]})


async def test_two_types_of_one_key_in_one_batch_stay_in_order(database: Any, kafka_server: Any) -> None:
    async with bench(database, kafka_server) as it:
        await it.say(
            NoteWritten(page="a", number=1), NoteStruck(page="a", number=2), NoteWritten(page="a", number=3)
        )
        it.relay()
        it.consumer()
        await it.applied_are({"a": [1, 2, 3]})


async def test_a_record_sent_twice_is_applied_once(database: Any, kafka_server: Any) -> None:
    """A relay that died between ack and delete sends its rows again."""
    async with bench(database, kafka_server) as it:
        await it.say(*written("a", 1, 2, 3))
        rows = await it.database.pool.fetch("SELECT * FROM outbox")
        it.relay()
        consumer = it.consumer()
        await it.applied_are({"a": [1, 2, 3]})
        columns = "lane, shard, topic, key, sequence, event_id, type, traceparent, at, payload"
        for row in rows:
            await it.database.pool.execute(
                f"INSERT INTO outbox ({columns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                *(row[name] for name in columns.split(", ")),
            )
        await it.say(*written("a", 4))
        await it.applied_are({"a": [1, 2, 3, 4]})
        assert consumer.metrics()["consumer_repeats_total"] == 3


async def test_a_poison_event_becomes_a_dead_letter_and_only_its_key_waits(
    database: Any, kafka_server: Any
) -> None:
    async with bench(database, kafka_server) as it:
        healthy = False

        async def record(events: Sequence[NoteWritten], tx: Transaction) -> None:
            if not healthy and any(e.number == 13 for e in events):
                raise ValueError(f"secret of page {events[0].page}")
            await notes.record_notes(events, tx)

        await it.say(*written("a", 12, 13, 14), *written("b", 1, 2))
        it.relay()
        consumer = it.consumer({NoteWritten: record})
        it.desk(consumer)
        await it.applied_are({"a": [12], "b": [1, 2]})
        await it.say(*written("a", 15))
        await until(lambda: it.database.pool.fetchval("SELECT count(*) = 2 FROM parked"), "two parked")
        letter = await it.database.pool.fetchrow("SELECT * FROM dead_letters")
        assert letter["error"] == "ValueError"
        assert "secret of page a" not in letter["stack"]
        healthy = True
        await it.database.pool.execute(
            "INSERT INTO operator_requests (id, grp, action, target, requested_by) VALUES ($1, 'tests', 'redrive', $2, 'me')",
            uuid.uuid4(),
            {"dead_letter": str(letter["id"])},
        )
        await it.applied_are({"a": [12, 13, 14, 15], "b": [1, 2]})
        await it.say(*written("a", 16))
        await it.applied_are({"a": [12, 13, 14, 15, 16], "b": [1, 2]})


async def test_a_handler_that_always_fails_stops_the_consumer_instead_of_burying_everything(
    database: Any, kafka_server: Any
) -> None:
    async with bench(database, kafka_server) as it:

        async def broken(_: Sequence[NoteWritten], __: Transaction) -> None:
            raise KeyError

        await it.say(*written("a", 1), *written("b", 1), *written("c", 1), *written("d", 1))
        it.relay()
        consumer = it.consumer({NoteWritten: broken})
        await until(lambda: consumer.stopped, "the consumer has stopped itself")
        assert await it.database.pool.fetchval("SELECT count(*) FROM dead_letters") <= 3
        assert str(consumer.ready()).startswith("stopped")


async def test_an_unknown_type_is_counted_and_skipped(database: Any, kafka_server: Any) -> None:
    class NoteTorn(Event):
        type_name = "tests.note_torn.v1"
        topic = NoteWritten.topic
        key_field = "page"
        page: str

    async with bench(database, kafka_server) as it:
        NoteTorn.topic = it.topic.name
        await it.say(*written("a", 1), NoteTorn(page="a"), *written("a", 2))
        it.relay()
        it.consumer()
        await it.applied_are({"a": [1, 2]})
        assert await it.database.pool.fetchval("SELECT events FROM skipped") == 1


async def test_a_malformed_record_is_a_dead_letter_and_stops_nobody(database: Any, kafka_server: Any) -> None:
    async with bench(database, kafka_server) as it:
        async with AIOKafkaProducer(bootstrap_servers=kafka_server.bootstrap) as producer:
            await producer.send_and_wait(it.topic.name, b"no event", key=b"a", partition=0)
        await it.say(*written("a", 1), *written("b", 1))
        it.relay()
        it.consumer()
        await it.applied_are({"a": [1], "b": [1]})
        assert await it.database.pool.fetchval("SELECT type FROM dead_letters") == "malformed"


async def test_two_members_share_the_partitions_and_a_second_one_takes_over(
    database: Any, kafka_server: Any
) -> None:
    async with bench(database, kafka_server) as it:
        it.relay()
        first, second = it.consumer(), it.consumer()

        def shared() -> bool:
            owned = sorted(c.metrics()["consumer_partitions_owned"] for c in (first, second))
            return owned == [1, 2]

        await until(shared, "both own partitions")
        await it.say(*written("a", 1), *written("b", 1), *written("c", 1))
        await it.applied_are({"a": [1], "b": [1], "c": [1]})
        leaver = it.tasks.pop(1)
        leaver.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaver
        await it.say(*written("a", 2), *written("b", 2), *written("c", 2))
        await it.applied_are({"a": [1, 2], "b": [1, 2], "c": [1, 2]})


async def test_a_failure_that_passes_is_tried_again_and_nothing_is_buried(
    database: Any, kafka_server: Any
) -> None:
    async with bench(database, kafka_server) as it:
        failures = iter([ConnectionError(), TimeoutError()])

        async def flaky(events: Sequence[NoteWritten], tx: Transaction) -> None:
            for failure in failures:
                raise failure
            await notes.record_notes(events, tx)

        await it.say(*written("a", 1, 2))
        it.relay()
        it.consumer({NoteWritten: flaky})
        await it.applied_are({"a": [1, 2]})
        assert await it.database.pool.fetchval("SELECT count(*) FROM dead_letters") == 0


async def test_a_stored_offset_outside_the_log_stops_that_partition_visibly(
    database: Any, kafka_server: Any
) -> None:
    async with bench(database, kafka_server) as it:
        await it.database.pool.execute(
            "INSERT INTO offsets (grp, topic, partition, next) SELECT 'tests', $1, p, 500 FROM generate_series(0, 2) p",
            it.topic.name,
        )
        consumer = it.consumer()
        await until(lambda: "outside the log" in str(consumer.ready()), "health tells it")


async def test_rebuilding_a_projection_reads_everything_again(database: Any, kafka_server: Any) -> None:
    async with bench(database, kafka_server) as it:
        await it.say(*written("a", 1, 2))
        it.relay()
        consumer = it.consumer()
        it.desk(consumer)
        await it.applied_are({"a": [1, 2]})
        await it.database.pool.execute("INSERT INTO applied (page, number) VALUES ('a', 99)")
        await it.database.pool.execute(
            "INSERT INTO operator_requests (id, grp, action, target, requested_by) VALUES ($1, 'tests', 'rebuild', '{}', 'me')",
            uuid.uuid4(),
        )
        await it.applied_are({"a": [1, 2]})


async def test_an_event_that_refers_to_something_unknown_waits_for_it(
    database: Any, kafka_server: Any
) -> None:
    async with bench(database, kafka_server) as it:
        known: set[str] = set()

        async def strike(events: Sequence[NoteStruck], tx: Transaction) -> None:
            ready = [e for e in events if e.page in known]
            await tx.wait_for([(e, f"page:{e.page}") for e in events if e.page not in known])
            await notes.record_strikes(ready, tx)

        async def write(events: Sequence[NoteWritten], tx: Transaction) -> None:
            await notes.record_notes(events, tx)
            known.update(e.page.removeprefix("about-") for e in events)
            await tx.arrived([f"page:{e.page.removeprefix('about-')}" for e in events])

        await it.say(NoteStruck(page="a", number=1), NoteStruck(page="a", number=2))
        it.relay()
        it.consumer({NoteWritten: write, NoteStruck: strike})
        await until(lambda: it.database.pool.fetchval("SELECT count(*) = 2 FROM waiting"), "two waiting")
        await it.say(NoteWritten(page="about-a", number=9))
        await it.applied_are({"about-a": [9], "a": [1, 2]})
