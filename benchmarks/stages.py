"""What waits at each stage: rows in outboxes, events that a reader has not read, messages that may go now; and for how long already."""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import mean

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.console.repository import queues

LOOK_SECONDS = 0.25
STRETCH = 0.2  # of the time: so long a stretch is looked at round its middle and at its end
# Nobody calls it growing that is within what one look more or a turn of batches makes.
GROWN, GROWN_SECONDS = 1.25, 0.5
DUE = """
SELECT count(*) AS number, greatest(0, extract(epoch FROM clock_timestamp() - min(next_at)))::float8 AS oldest
FROM notifications.messages
WHERE state IN ('planned', 'sending') AND (next_at <= clock_timestamp() OR state = 'sending')
"""


@dataclass(slots=True)
class Waiting:
    """How many events or messages wait at a stage, and for how many seconds the oldest of them has."""

    number: int = 0
    oldest: float = 0.0

    def add(self, number: int, oldest: float) -> None:
        self.number += number
        self.oldest = max(self.oldest, oldest)


Look = Mapping[str, Waiting]


@dataclass(slots=True)
class Arrivals:
    """When each partition was first seen to reach an offset: so it is known how old an event is without reading it. Ages are right
    to the time between two looks; what lay there before the first one is as old as that."""

    seen: dict[TopicPartition, deque[tuple[float, int]]] = field(default_factory=lambda: defaultdict(deque))

    def note(self, ends: Mapping[TopicPartition, int], now: float) -> None:
        """`ends` are the offsets of the next events; `now` in seconds on a clock that only goes on."""
        for partition, end in ends.items():
            if not self.seen[partition] or self.seen[partition][-1][1] < end:
                self.seen[partition].append((now, end))

    def forget(self, read: Mapping[TopicPartition, int]) -> None:
        """What lies before these offsets, which everybody has read."""
        for partition, offset in read.items():
            while self.seen[partition] and self.seen[partition][0][1] <= offset:
                self.seen[partition].popleft()

    def age(self, partition: TopicPartition, offset: int, now: float) -> float:
        """Seconds since the event at this offset was seen to be there; 0 when it is not."""
        return next((now - at for at, end in self.seen[partition] if end > offset), 0.0)


@dataclass(slots=True)
class Stages:
    """Looks from outside every group; a look costs five small questions to the database and one to the broker."""

    connection: asyncpg.Connection
    consumer: AIOKafkaConsumer
    arrivals: Arrivals = field(default_factory=Arrivals)

    async def look(self) -> dict[str, Waiting]:
        """By stage: `read <group>`, `outbox <service>`, `send`."""
        waiting = defaultdict[str, Waiting](Waiting)
        await self._unread(waiting)
        for row in await queues.outboxes(self.connection):
            waiting[f"outbox {row['service']}"].add(row["rows"], row["oldest_seconds"] or 0.0)
        row = await self.connection.fetchrow(DUE)
        waiting["send"].add(row["number"], row["oldest"] or 0.0)
        return dict(waiting)

    async def _unread(self, waiting: dict[str, Waiting]) -> None:
        stored = [
            (TopicPartition(one.topic, one.partition), one)
            for one in await queues.stored_offsets(self.connection)
        ]
        ends, now = await self.consumer.end_offsets([place for place, _ in stored]), time.monotonic()
        self.arrivals.note(ends, now)
        read = dict(ends)
        for place, one in stored:
            stage = waiting[f"read {one.service} {one.group}"]
            stage.add(ends[place] - one.next, self.arrivals.age(place, one.next, now))
            read[place] = min(read[place], one.next)
        self.arrivals.forget(read)

    @asynccontextmanager
    async def looking(self, tell: Callable[[Look], None]) -> AsyncIterator[None]:
        """Again and again while it is entered; the last look is over when it is left, for two cannot ask on one connection."""
        left = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look_on(tell, left))
            try:
                yield
            finally:
                left.set()

    async def _look_on(self, tell: Callable[[Look], None], left: asyncio.Event) -> None:
        while not left.is_set():
            tell(await self.look())
            await asyncio.sleep(LOOK_SECONDS)

    async def calm(self, seconds: float, *, most: int = 0, still: str = "") -> float:
        """Returns when no more than `most` waits at any stage but `still`, at the latest after so many seconds: how many it took."""
        began = time.monotonic()
        while time.monotonic() < began + seconds:
            waiting = await self.look()
            if not any(one.number > most for name, one in waiting.items() if name != still):
                break
            await asyncio.sleep(LOOK_SECONDS)
        return time.monotonic() - began


@asynccontextmanager
async def watched(database: str, broker: str) -> AsyncIterator[Stages]:
    """Through the admin's DSN and the broker's host:port."""
    consumer = AIOKafkaConsumer(bootstrap_servers=broker, client_id="benchmark")
    await consumer.start()
    try:
        connection = await asyncpg.connect(database)
        try:
            yield Stages(connection, consumer)
        finally:
            await connection.close()
    finally:
        await consumer.stop()


def most(looks: Sequence[Look]) -> dict[str, int]:
    """How much waited at each stage at most, by stage in order."""
    found: dict[str, int] = {}
    for look in looks:
        found |= {name: max(one.number, found.get(name, 0)) for name, one in look.items()}
    return dict(sorted(found.items()))


def oldest(looks: Sequence[Look]) -> dict[str, dict[str, float]]:
    """Seconds that the oldest event of each stage had waited, by stage in order: in the middle of the looks and at their end, each the mean
    of a stretch of them, for batches let it go up and down all the time; and at most."""
    names = sorted({name for look in looks for name in look})
    stretch = max(1, round(STRETCH * len(looks)))
    begin = (len(looks) - stretch) // 2
    found = {}
    for name in names:
        ages = [look[name].oldest if name in look else 0.0 for look in looks]
        middle, end = mean(ages[begin : begin + stretch]), mean(ages[-stretch:])
        found[name] = {"middle": round(middle, 2), "end": round(end, 2), "most": round(max(ages), 2)}
    return found


def growing(ages: Mapping[str, Mapping[str, float]]) -> list[str]:
    """The stages whose oldest event is older at the end than in the middle, by more than chance makes it."""
    return [name for name, age in ages.items() if age["end"] > GROWN * age["middle"] + GROWN_SECONDS]
