"""The relay: reads all rows of the shards it owns in id order, sends, awaits every ack, deletes them."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.messaging import kafka, outbox
from shared.messaging.envelope import to_headers
from shared.messaging.failures import TROUBLE
from shared.messaging.kafka import KafkaSettings
from shared.messaging.ownership import Ownership
from shared.messaging.transaction import Database
from shared.messaging.wakes import Wakes

BATCH = 1000
SEND_SECONDS = 10.0

# All rows of the owned shards, always from the lowest id: a cursor would pass rows that commit late.
READ = """
SELECT id, topic, key, sequence, event_id, type, traceparent, at, payload
FROM outbox WHERE lane = $1 AND shard = ANY ($2) ORDER BY id LIMIT $3
"""
DELETE = "DELETE FROM outbox WHERE id = ANY ($1)"

log = logging.getLogger(__name__)


class Relay:
    """One lane of one service's outbox, with a producer of its own."""

    def __init__(
        self,
        database: Database,
        settings: KafkaSettings,
        *,
        lane: str,
        partitions_of: Callable[[str], int],
        wakes: Wakes,
    ) -> None:
        self.name = f"relay:{lane}"
        self.lane = lane
        self.producer_rebuilds = 0
        self._database = database
        self._settings = settings
        self._partitions_of = partitions_of
        # The poll is the net under the wake-ups (docs/decisions/0009); gathering makes batches of routine work.
        self._poll_seconds, self._gather_seconds = (0.05, 0.0) if lane == "crisis" else (0.5, 0.1)
        self._back_off_seconds = 0.1 if lane == "crisis" else 0.3
        self._wakes = wakes
        self._wake = wakes.event(lane)
        self._producer: AIOKafkaProducer | None = None
        self._waits_for: str | None = "starting"
        self._sent = 0
        self._batches = 0
        self._oldest = 0.0
        self._owner = Ownership(
            database.dsn, schema=database.source, purpose=f"outbox:{lane}", items=range(outbox.SHARDS)
        )
        self._owner.on_notify = (wakes.channel, wakes.heard)

    async def run(self, stop: asyncio.Event) -> None:
        """Relays until told to stop; what is committed by then is flushed first."""
        owner_stop = asyncio.Event()
        owning = asyncio.create_task(self._owner.run(owner_stop))
        try:
            while not stop.is_set():
                await self._step()
            await self._flush_before_leaving()
        finally:
            self._wakes.cover(self.lane, False)
            owner_stop.set()
            await owning
            await self._drop_producer()

    async def _step(self) -> None:
        began = time.monotonic()
        try:
            async with self._owner.batch() as shards:
                self._wakes.cover(self.lane, self._owner.owns_all)
                sent = await self._drain_once(sorted(shards)) if shards else 0
            self._waits_for = None
        except (KafkaError, TimeoutError) as failure:
            # Never go on with a producer that failed: aiokafka does not re-initialise its sequence
            # numbers after a fatal error (aiokafka#1017). The rows are still there; read again.
            await self._drop_producer()
            await self._back_off("kafka", failure)
            return
        except TROUBLE as failure:
            await self._back_off("database", failure)
            return
        if sent < BATCH:
            await self._rest(began, bool(shards))

    async def _back_off(self, waits_for: str, failure: Exception) -> None:
        """Said once and not at every try: a broker may be away for hours."""
        if self._waits_for != waits_for:
            log.warning("not sent: %s", type(failure).__name__, extra={"lane": self.lane})
        self._waits_for = waits_for
        await asyncio.sleep(self._back_off_seconds)

    async def _rest(self, began: float, owns: bool) -> None:
        """Until somebody wakes us; while much goes on, what is committed meanwhile goes along."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._poll_seconds if owns else 0.2):
                await self._wake.wait()
        await asyncio.sleep(max(0.0, began + self._gather_seconds - time.monotonic()))
        self._wake.clear()

    async def _drain_once(self, shards: Sequence[int]) -> int:
        rows = await self._database.pool.fetch(READ, self.lane, shards, BATCH)
        self._oldest = rows[0]["at"].timestamp() if rows else 0.0
        if not rows:
            return 0
        await self._send(rows)
        await self._database.pool.execute(DELETE, [row["id"] for row in rows])
        self._sent += len(rows)
        self._batches += 1
        return len(rows)

    async def _send(self, rows: Sequence[asyncpg.Record]) -> None:
        """One Kafka batch per partition, in id order; returns when every one is acknowledged."""
        live = await self._live_producer()
        async with asyncio.timeout(SEND_SECONDS):
            await asyncio.gather(
                *(
                    self._send_partition(live, topic, partition, queue)
                    for (topic, partition), queue in self._by_partition(rows).items()
                )
            )

    def _by_partition(self, rows: Sequence[asyncpg.Record]) -> dict[tuple[str, int], list[asyncpg.Record]]:
        queues: dict[tuple[str, int], list[asyncpg.Record]] = {}
        for row in rows:
            topic = row["topic"]
            partition = outbox.partition_of(row["key"], self._partitions_of(topic))
            queues.setdefault((topic, partition), []).append(row)
        return queues

    async def _send_partition(
        self, live: AIOKafkaProducer, topic: str, partition: int, queue: Sequence[asyncpg.Record]
    ) -> None:
        batch = live.create_batch()
        for row in queue:
            record = {
                "key": row["key"].encode(),
                "value": row["payload"],
                "timestamp": int(row["at"].timestamp() * 1000),
                "headers": to_headers(self._database.source, row),
            }
            if batch.append(**record) is None:
                await _acknowledged(live, batch, topic, partition)
                batch = live.create_batch()
                batch.append(**record)
        await _acknowledged(live, batch, topic, partition)

    async def _live_producer(self) -> AIOKafkaProducer:
        if self._producer is None:
            fresh = kafka.producer(self._settings, f"{self._database.source}-{self.lane}")
            self._producer = await kafka.started(fresh, SEND_SECONDS)
            self.producer_rebuilds += 1
        return self._producer

    async def _drop_producer(self) -> None:
        old, self._producer = self._producer, None
        if old is not None:
            await kafka.close(old)

    async def _flush_before_leaving(self) -> None:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(3), self._owner.batch() as shards:
                while shards and await self._drain_once(sorted(shards)) == BATCH:
                    pass

    def ready(self) -> str | None:
        return self._waits_for

    def metrics(self) -> dict[str, float]:
        age = time.time() - self._oldest if self._oldest else 0.0
        return {
            "outbox_sent_total": self._sent,
            "outbox_batches_total": self._batches,
            "outbox_oldest_seconds": age,
            "outbox_shards_owned": len(self._owner.held),
            "producer_rebuilds_total": self.producer_rebuilds,
        }


async def _acknowledged(live: AIOKafkaProducer, batch: object, topic: str, partition: int) -> None:
    await (await live.send_batch(batch, topic, partition=partition))
