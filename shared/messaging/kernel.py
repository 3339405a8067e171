"""One process's share of the kernel: pool, wakes, relays, consumers, due rows, put together in one place."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import asyncpg

from shared.contracts.base import Event, Lane, Topic
from shared.contracts.topics import EVENTS
from shared.messaging.apply import Handler
from shared.messaging.consumer import Consumer
from shared.messaging.desk import Action, Desk
from shared.messaging.due_loop import DueHandler, DueLoop
from shared.messaging.kafka import KafkaSettings
from shared.messaging.relay import Relay
from shared.messaging.retention import Retention, Sweep
from shared.messaging.standstill import Standstill
from shared.messaging.transaction import Database
from shared.messaging.wakes import Wakes
from shared.postgres import open_pool


class Loop(Protocol):
    """Something a process runs until it is told to stop."""

    name: str

    async def run(self, stop: asyncio.Event) -> None: ...
    def ready(self) -> str | None: ...
    def metrics(self) -> dict[str, float]: ...


@dataclass(slots=True)
class Kernel:
    """Made by `open_kernel`; every method adds a loop. `loops` go to the process runner."""

    pool: asyncpg.Pool
    database: Database
    kafka: KafkaSettings
    wakes: Wakes
    topics: Mapping[str, Topic]
    loops: list[Loop] = field(default_factory=list)

    def relay(self, lane: Lane) -> Relay:
        """Relays one lane of this schema's outbox."""
        relay = Relay(
            self.database,
            self.kafka,
            lane=lane,
            partitions_of=lambda topic: self.topics[topic].partitions,
            wakes=self.wakes,
        )
        self.loops.append(relay)
        return relay

    def consumer(
        self, group: str, topics: Sequence[str], handlers: Mapping[type[Event], Handler]
    ) -> Consumer:
        """Reads topics as one group."""
        consumer = Consumer(
            self.database,
            self.kafka,
            group=group,
            topics=[self.topics[name] for name in topics],
            handlers=handlers,
            known=frozenset(EVENTS),
        )
        self.loops.append(consumer)
        return consumer

    def due(self, handlers: Mapping[str, DueHandler]) -> DueLoop:
        """Works off due rows of these kinds."""
        loop = DueLoop(self.database, handlers)
        self.loops.append(loop)
        return loop

    def desk(
        self,
        consumers: Sequence[Consumer],
        projections: Mapping[str, Sequence[str]] | None = None,
        actions: Mapping[str, Action] | None = None,
    ) -> Desk:
        """Serves what operators ask of these consumers, and the service's own actions; keeps what they have to see to."""
        desk = Desk(self.database, consumers, projections, actions)
        self.loops += [desk, Standstill(self.database, consumers)]
        return desk

    def retention(self, *also: Sweep) -> Retention:
        """Forgets in time, the kernel's rows and those of the service's own sweeps."""
        loop = Retention(self.database, also)
        self.loops.append(loop)
        return loop

    async def close(self) -> None:
        """After the loops have ended."""
        await self.pool.close()


async def open_kernel(
    dsn: str,
    *,
    schema: str,
    role: str,
    pool_size: int,
    kafka: KafkaSettings,
    topics: Sequence[Topic],
) -> Kernel:
    """Opens the pool and what every role needs; raises OSError or asyncpg errors while the database is away."""
    pool = await open_pool(dsn, schema=schema, size=pool_size, name=f"{schema}:{role}")
    wakes = Wakes(dsn, schema=schema)
    by_name = {topic.name: topic for topic in topics}
    database = Database(
        pool, source=schema, dsn=dsn, lane_of=lambda topic: by_name[topic].lane, on_commit=wakes.set
    )
    return Kernel(pool, database, kafka, wakes, by_name, [wakes])
