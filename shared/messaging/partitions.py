"""The partitions a consumer owns, and where it stands in each: assigned by lock, sought to the stored offset."""

import asyncio
import contextlib
import logging
import time
import zlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from shared.contracts.base import Topic
from shared.messaging import inbox, kafka
from shared.messaging.incoming import Incoming
from shared.messaging.kafka import KafkaSettings
from shared.messaging.ownership import Ownership
from shared.messaging.transaction import Database

START_SECONDS = 10.0
COMMIT_SECONDS = 2.0
WAIT_MS = 200

log = logging.getLogger(__name__)


class Partitions:
    """Fetches from what is owned now. A stored offset outside the log stops that partition, visibly."""

    def __init__(
        self,
        database: Database,
        settings: KafkaSettings,
        *,
        group: str,
        topics: Sequence[Topic],
    ) -> None:
        self._database = database
        self._settings = settings
        self._group = group
        self._compacted = {t.name for t in topics if t.compacted}
        self._kept_for_a_time = [(t.name, p) for t in topics if not t.compacted for p in range(t.partitions)]
        self._names = {lock_item(t.name, p): (t.name, p) for t in topics for p in range(t.partitions)}
        self._owner = Ownership(
            database.dsn, schema=database.source, purpose=f"consumer:{group}", items=sorted(self._names)
        )
        self._consumer: AIOKafkaConsumer | None = None
        self._next: dict[inbox.Partition, int] = {}
        self._halted: dict[inbox.Partition, str] = {}
        self._committed_at = 0.0
        self._dirty: dict[inbox.Partition, int] = {}

    @asynccontextmanager
    async def held(self, stop: asyncio.Event) -> AsyncIterator[None]:
        """Owns partitions while inside; gives them up, then closes the consumer, when left."""
        released = asyncio.Event()
        owning = asyncio.create_task(self._owner.run(released))
        try:
            yield
        finally:
            released.set()
            await owning
            await self._close()

    @asynccontextmanager
    async def batch(self) -> AsyncIterator["Partitions"]:
        """While inside, no owned partition is given away."""
        async with self._owner.batch() as items:
            await self._follow({self._names[item] for item in items})
            yield self

    async def records(self, limit: int) -> list[Any]:
        """Up to `limit` records of the owned partitions, each partition's in order from its next offset."""
        if self._consumer is None or not self._next:
            await asyncio.sleep(0.05)
            return []
        # Nothing is fetched ahead: what comes while a batch is worked on comes in one piece with the next fetch.
        # (aiokafka would ask again at once, get the first record, and keep the others waiting behind it.)
        self._consumer.resume(*self._consumer.paused())
        try:
            fetched = await self._consumer.getmany(timeout_ms=WAIT_MS, max_records=limit)
        except OffsetOutOfRangeError as lost:
            for partition in lost.args[0]:
                self._halt((partition.topic, partition.partition), "stored offset is outside the log")
            return []
        if fetched:
            self._consumer.pause(*self._consumer.assignment())
        await self._commit()
        return [record for partition, queue in fetched.items() for record in self._expected(partition, queue)]

    def moves(self, batch: Sequence[Incoming]) -> dict[inbox.Partition, tuple[int, int]]:
        """Per partition the offset that must be stored now and the one after this batch."""
        moves: dict[inbox.Partition, tuple[int, int]] = {}
        for incoming in batch:
            partition = (incoming.topic, incoming.partition)
            expected, following = moves.get(partition, (self._next[partition], 0))
            moves[partition] = (expected, max(following, incoming.offset + 1))
        return moves

    def moved(self, moves: Mapping[inbox.Partition, tuple[int, int]]) -> None:
        """The moves are committed."""
        for partition, (_, following) in moves.items():
            self._next[partition] = following
            self._dirty[partition] = following

    def forget(self) -> None:
        """What we believe of the offsets may be wrong: read them again before the next fetch."""
        self._next.clear()
        self._halted.clear()

    async def shortened(self) -> set[str]:
        """The topics whose beginning is not there any more: what was said then is in the tables alone. Raises TimeoutError where
        no broker tells, KafkaError."""
        if self._consumer is None:
            raise TimeoutError
        first = await self._consumer.beginning_offsets([TopicPartition(*p) for p in self._kept_for_a_time])
        return {partition.topic for partition, offset in first.items() if offset}

    async def start_over(self) -> None:
        """Never go on with a client that failed: aiokafka's coordination, once it has ended on an error, raises that
        error for ever. (It ends so when `assign` is called again before the group's coordinator is found, as on a first
        start: aiokafka issue 796, open.) The next batch makes a new client."""
        self.forget()
        await self._close()

    def count(self) -> int:
        return len(self._next)

    def owned(self) -> set[inbox.Partition]:
        """Those that nobody else may read now."""
        return {self._names[item] for item in self._owner.held}

    def halted(self) -> dict[inbox.Partition, str]:
        """Those of them that wait for an operator, and why."""
        return {place: why for place, why in self._halted.items() if place in self.owned()}

    def read(self) -> set[inbox.Partition]:
        """Those of them that are read from their stored offset on."""
        return self.owned() & set(self._next)

    def waits_for(self) -> str | None:
        if self._halted:
            return "operator: " + "; ".join(f"{t}/{p}: {why}" for (t, p), why in sorted(self._halted.items()))
        return None

    async def _follow(self, owned: set[inbox.Partition]) -> None:
        """Makes the assignment equal to what is owned, each new partition from its stored offset."""
        if not owned:
            self._next.clear()
            return
        consumer = await self._live_consumer()
        if owned == set(self._next) | (set(self._halted) & owned):
            return
        stored = await self._starts(consumer, owned)
        self._halted = {p: why for p, why in self._halted.items() if p in owned}
        running = {p: offset for p, offset in stored.items() if p not in self._halted}
        consumer.assign([TopicPartition(*p) for p in sorted(running)])
        for partition, offset in running.items():
            consumer.seek(TopicPartition(*partition), offset)
        self._next = running

    async def _starts(
        self, consumer: AIOKafkaConsumer, owned: set[inbox.Partition]
    ) -> dict[inbox.Partition, int]:
        """The stored offset of each; where none is stored, this is the first start: the beginning."""
        async with self._database.pool.acquire() as connection:
            stored = await inbox.stored_offsets(connection, self._group)
            wanted = [TopicPartition(*p) for p in sorted(owned)]
            first = await consumer.beginning_offsets(wanted)
            end = await consumer.end_offsets(wanted)
            new = {
                (p.topic, p.partition): at for p, at in first.items() if (p.topic, p.partition) not in stored
            }
            if new:
                await inbox.start_offsets(connection, self._group, new)
                stored = await inbox.stored_offsets(connection, self._group)
        for partition in owned:
            place = TopicPartition(*partition)
            lost = stored[partition] < first[place] and partition[0] not in self._compacted
            if lost or stored[partition] > end[place]:
                self._halt(partition, "stored offset is outside the log")
        return {
            p: max(stored[p], first[TopicPartition(*p)]) if p[0] in self._compacted else stored[p]
            for p in owned
        }

    def _expected(self, place: TopicPartition, queue: Sequence[Any]) -> Sequence[Any]:
        """A first record that is not the expected one means a hole in the log; compaction makes such holes."""
        partition = (place.topic, place.partition)
        if partition not in self._next:
            return []
        first = queue[0].offset
        if first != self._next[partition] and (
            first < self._next[partition] or place.topic not in self._compacted
        ):
            self._halt(partition, f"found offset {first}, expected {self._next[partition]}")
            return []
        return queue

    def _halt(self, partition: inbox.Partition, why: str) -> None:
        self._halted[partition] = why
        self._next.pop(partition, None)
        log.critical(
            "partition stopped: %s", why,
            extra={"topic": partition[0], "partition": partition[1], "group": self._group},
        )  # fmt: skip

    async def _live_consumer(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            fresh = kafka.consumer(self._settings, self._group, self._group)
            self._consumer = await kafka.started(fresh, START_SECONDS)
            self._next.clear()
        return self._consumer

    async def _commit(self) -> None:
        """Kafka's own offsets are for lag tools and autoscalers: now and then, and never a reason to fail."""
        now = time.monotonic()
        if not self._dirty or self._consumer is None or now - self._committed_at < COMMIT_SECONDS:
            return
        self._committed_at = now
        offsets, self._dirty = self._dirty, {}
        with contextlib.suppress(KafkaError, TimeoutError):
            async with asyncio.timeout(1):
                await self._consumer.commit({TopicPartition(*p): offset for p, offset in offsets.items()})

    async def _close(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await kafka.close(consumer)


def lock_item(topic: str, partition: int) -> int:
    """The lock number of a partition: the same in every process and every deployment."""
    return zlib.crc32(f"{topic}:{partition}".encode()) & 0x7FFFFFFF
