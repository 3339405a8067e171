"""The consumer: fetch, one transaction per batch, and what happens when a batch fails."""

import asyncio
import logging
import time
import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from aiokafka.errors import KafkaError

from shared.contracts.base import Event, Topic
from shared.messaging import dead_letters, inbox
from shared.messaging.admission import Policy
from shared.messaging.apply import Handler, Moves, Reader, apply_batch
from shared.messaging.breaker import Breaker
from shared.messaging.failures import TROUBLE, Fenced, Stopped, describe, is_transient
from shared.messaging.incoming import Incoming, as_failed, from_record
from shared.messaging.kafka import KafkaSettings
from shared.messaging.partitions import Partitions
from shared.messaging.tracing import batch_traced, failed_for_good
from shared.messaging.transaction import Database, Transaction

BATCH = 500
BACKOFF_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)

# While much goes on, routine batches begin at most this often, so that they grow; the crisis lane never waits.
GATHER_SECONDS = 0.15
log = logging.getLogger(__name__)


class Consumer:
    """One group of one service. The group's name is for ever: another name would read everything again."""

    def __init__(
        self,
        database: Database,
        kafka: KafkaSettings,
        *,
        group: str,
        topics: Sequence[Topic],
        handlers: Mapping[type[Event], Handler],
        known: frozenset[str],
    ) -> None:
        self.name = f"consumer:{group}"
        self.group = group
        self.reader = Reader(
            group=group,
            handlers={event.type_name: handler for event, handler in handlers.items()},
            types={event.type_name: event for event in handlers},
            known=known | {event.type_name for event in handlers},
            policy=Policy(
                compacted={t.name for t in topics if t.compacted},
                never_parked={t.name for t in topics if t.lane == "crisis"},
            ),
        )
        self.database = database
        self.stopped: str | None = None
        self._breaker = Breaker()
        self._partitions = Partitions(database, kafka, group=group, topics=topics)
        self._waits_for: str | None = "starting"
        self._failures = 0
        self._doubts = False
        self._counts = dict.fromkeys(
            ("applied", "repeats", "parked", "skipped", "dead_letters", "batches"), 0
        )
        self._behind = 0.0
        self._gather_seconds = 0.0 if any(t.lane == "crisis" for t in topics) else GATHER_SECONDS

    async def run(self, stop: asyncio.Event) -> None:
        """Reads until told to stop; the batch in hand is finished first."""
        async with self._partitions.held(stop):
            while not stop.is_set():
                if self.stopped:
                    await asyncio.sleep(0.2)
                    continue
                began = time.monotonic()
                if 0 < await self._step() < BATCH:
                    await self._gather(began)

    async def _gather(self, began: float) -> None:
        """Leaves time for more to come, counted from the step's begin: an event that comes alone never waits."""
        left = began + self._gather_seconds - time.monotonic()
        if left > 0:
            await asyncio.sleep(left)

    async def _step(self) -> int:
        """Returns how many records were applied."""
        records: Sequence[object] = ()
        if self._doubts:
            self._doubts = False
            self._partitions.forget()
        try:
            async with self._partitions.batch() as fetching:
                records = await fetching.records(BATCH)
                if records:
                    await self._process(records)
            self._waits_for = self._partitions.waits_for()
            self._failures = 0
        except Fenced:
            self._partitions.forget()
        except Stopped as reason:
            self._stop_myself(str(reason))
        except (KafkaError, *TROUBLE) as failure:
            await self._back_off(failure)
        return len(records)

    async def _back_off(self, failure: Exception) -> None:
        self._waits_for = "kafka" if isinstance(failure, KafkaError) else "database"
        log.warning("retrying: %s", describe(failure), extra={"group": self.group})
        if isinstance(failure, KafkaError):
            await self._partitions.start_over()
        else:
            self._partitions.forget()
        await asyncio.sleep(BACKOFF_SECONDS[min(self._failures, len(BACKOFF_SECONDS) - 1)])
        self._failures += 1

    async def _process(self, records: Sequence[object]) -> None:
        now = datetime.now(UTC)
        batch = [from_record(record, self.reader.types, now) for record in records]
        batch.sort(key=lambda incoming: (incoming.topic, incoming.partition, incoming.offset))
        self._counts["batches"] += 1
        self._breaker.next_batch()
        await self._apply(batch)
        last = batch[-1].envelope
        self._behind = (now - last.time).total_seconds() if last else 0.0

    async def _apply(self, batch: Sequence[Incoming]) -> None:
        """Applies the batch; on a failure that will not pass, its halves, until the event stands alone."""
        try:
            await self._attempt(batch)
        except (Fenced, Stopped):
            raise
        except Exception as failure:
            if is_transient(failure):
                raise TimeoutError(describe(failure)) from failure
            if len(batch) > 1:
                middle = len(batch) // 2
                await self._apply(batch[:middle])
                await self._apply(batch[middle:])
            else:
                await self._alone(batch[0])

    async def _attempt(self, batch: Sequence[Incoming]) -> None:
        moves = self._partitions.moves(batch)
        with batch_traced(self.group, batch):
            async with self.database.transaction(ask_time=False) as tx:
                applied = await apply_batch(tx, self.reader, batch, moves)
        self._partitions.moved(moves)
        for name in ("applied", "repeats", "parked", "skipped"):
            self._counts[name] += getattr(applied, name)

    async def _alone(self, incoming: Incoming) -> None:
        """The second failure alone makes a dead letter of it."""
        try:
            await self._attempt([incoming])
        except (Fenced, Stopped):
            raise
        except Exception as failure:
            if is_transient(failure):
                raise TimeoutError(describe(failure)) from failure
            self._breaker.failed(incoming.type, describe(failure))
            await self._bury(incoming, failure)

    async def _bury(self, incoming: Incoming, failure: Exception) -> None:
        # Frames only: the text of an exception may quote a row or an input.
        stack = "".join(traceback.format_tb(failure.__traceback__))
        moves = self._partitions.moves([incoming])
        async with self.database.transaction() as tx:
            await self._write_letter(tx, incoming, as_failed(incoming, describe(failure), stack), moves)
        self._partitions.moved(moves)
        self._counts["dead_letters"] += 1
        failed_for_good(self.group, incoming, describe(failure))

    async def _write_letter(
        self, tx: Transaction, incoming: Incoming, letter: dead_letters.Failed, moves: Moves
    ) -> None:
        ids = [incoming.envelope.id] if incoming.envelope else []
        await inbox.begin(tx.connection, self.group, moves, ids)
        await dead_letters.bury(tx.connection, tx.new_id(), self.group, letter)
        if incoming.envelope is None:
            return
        await inbox.reached(tx.connection, self.group, {incoming.stream: incoming.envelope.sequence})
        if incoming.topic not in self.reader.policy.never_parked:
            await dead_letters.block(tx.connection, self.group, [incoming.stream], "dead")

    def _stop_myself(self, reason: str) -> None:
        """We are broken, not the events: nothing more is buried until somebody has looked."""
        self.stopped = reason
        log.critical("consumer stopped itself", extra={"group": self.group, "reason": reason})

    def resume(self) -> None:
        """An operator has looked: go on where the offsets stand."""
        self.stopped = None
        self._breaker = Breaker()
        self._doubts = True

    async def shortened(self) -> set[str]:
        """The topics whose beginning is not there any more. Raises TimeoutError, KafkaError."""
        return await self._partitions.shortened()

    def forget(self) -> None:
        """Reads the stored offsets again, after the batch in hand: an operator has moved or cleared them."""
        self._doubts = True

    def halted(self) -> dict[inbox.Partition, str]:
        """The partitions that are this consumer's and that it does not go on with, and why: all when it stopped itself."""
        if self.stopped:
            return dict.fromkeys(self._partitions.owned(), self.stopped)
        return self._partitions.halted()

    def read(self) -> set[inbox.Partition]:
        """The partitions that it goes on with."""
        return set() if self.stopped else self._partitions.read()

    def ready(self) -> str | None:
        return f"stopped: {self.stopped}" if self.stopped else self._waits_for

    def metrics(self) -> dict[str, float]:
        counts = {f"consumer_{name}_total": float(count) for name, count in self._counts.items()}
        return counts | {
            "consumer_partitions_owned": self._partitions.count(),
            "consumer_behind_seconds": self._behind,
            "consumer_stopped": 1.0 if self.stopped else 0.0,
        }
