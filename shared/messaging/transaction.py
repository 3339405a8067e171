"""One batch, one transaction: what a handler or a route may do, and the commit that makes it true."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson
import uuid_utils

from shared.contracts.base import Event, Lane
from shared.messaging import due, outbox, waiting
from shared.postgres import Write, write_joined


@dataclass(frozen=True, slots=True)
class Due:
    """Something for later, unique on (kind, key): scheduling it again moves it."""

    kind: str
    key: str
    at: datetime
    body: dict[str, Any] = field(default_factory=dict)
    traceparent: str | None = None


class Transaction:
    """Offers the connection, the clock and the ways out; never a commit."""

    def __init__(
        self,
        connection: asyncpg.Connection,
        *,
        now: datetime | None,
        lane_of: Callable[[str], Lane],
        traces: dict[str, str] | None = None,
        origin: str | None = None,
    ) -> None:
        self.connection = connection
        self._now = now
        self.lanes: set[str] = set()
        self.facts: list[str] = []
        self._lane_of = lane_of
        self._traces = traces or {}
        self._origin = origin
        self._said: list[outbox.Said] = []
        self._at_end: list[Write] = []

    @property
    def now(self) -> datetime:
        """When the transaction began, by the database's clock: one clock for all processes."""
        assert self._now is not None, "opened without asking the time, and nobody has told it"
        return self._now

    @property
    def told(self) -> datetime | None:
        """The time where it is known already; None where a statement has to say `now()` itself."""
        return self._now

    def begun_at(self, now: datetime) -> None:
        """Tells the time where the transaction was opened without asking for it."""
        self._now = self._now or now

    def new_id(self) -> UUID:
        """A UUIDv7: index locality inside, never shown to people or partners."""
        return UUID(bytes=uuid_utils.uuid7().bytes)

    def new_reference(self) -> UUID:
        """A UUIDv4, for what people are shown: it tells no time and cannot be guessed."""
        return uuid4()

    def emit(self, events: Iterable[Event], *, causes: Sequence[str] | None = None) -> None:
        """The only way out. `causes[i]` is the key of the input event that the i-th event follows from."""
        for place, event in enumerate(events):
            key = event.key
            cause = key if causes is None else causes[place]
            topic = event.destination
            lane = self._lane_of(topic)
            self.lanes.add(lane)
            self._said.append(
                outbox.Said(
                    event_id=self.new_id(),
                    lane=lane,
                    topic=topic,
                    key=key,
                    type=event.type_name,
                    traceparent=self.traceparent_of(cause),
                    payload=event.__pydantic_serializer__.to_json(event),
                )
            )

    def write_at_end(self, sql: str, *arguments: Any) -> None:
        """A write that nothing in this transaction looks at: it goes with what is said, in one round trip for all. Where it
        cannot be done the whole transaction fails, so it is not for what one event of a batch may be wrong in."""
        self._at_end.append((sql, arguments))

    def trace(self, key: str, traceparent: str | None) -> None:
        """Declares where a cause comes from: an HTTP request, a due row."""
        if traceparent:
            self._traces[key] = traceparent

    def traceparent_of(self, key: str) -> str | None:
        """The trace of a cause, to be kept in rows that act later."""
        return self._traces.get(key, self._origin)

    async def schedule(self, dues: Sequence[Due]) -> None:
        """Due rows for later; an equal (kind, key) is moved."""
        if dues:
            await due.put(self.connection, [(d.kind, d.key, d.at, d.body, d.traceparent) for d in dues])

    async def hasten(self, kind: str, keys: Sequence[str], at: datetime) -> None:
        """Rows that would come later than this come by then; best effort: one that is worked off right now is left."""
        await due.hasten(self.connection, kind, keys, at)

    async def hold_due(self, kind: str, keys: Sequence[str]) -> None:
        """Waits for whoever works these due rows off, and keeps others from it until the end of the transaction.

        A due row is claimed before its handler locks anything; whoever moves or takes back one under a lock that the
        handler takes too has to come in the same order.
        """
        await due.hold(self.connection, kind, keys)

    async def unschedule(self, kind: str, keys: Sequence[str]) -> None:
        """Takes due rows back."""
        if keys:
            await due.drop(self.connection, kind, keys)

    async def wait_for(self, events: Sequence[tuple[Event, str]]) -> None:
        """Keeps events that refer to facts not known yet, until `arrived` names the fact."""
        if events:
            await waiting.keep(
                self.connection,
                [
                    (
                        fact,
                        e.destination,
                        e.key,
                        e.type_name,
                        self.traceparent_of(e.key),
                        e.model_dump_json().encode(),
                    )
                    for e, fact in events
                ],
            )

    async def arrived(self, facts: Sequence[str]) -> None:
        """These facts are known now: waiting events go to their handlers right after this wave."""
        self.facts.extend(facts)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undoes what the block has written and said when it fails, and nothing else."""
        said, facts, writes = len(self._said), len(self.facts), len(self._at_end)
        try:
            async with self.connection.transaction():
                yield
        except BaseException:
            del self._said[said:], self.facts[facts:], self._at_end[writes:]
            raise

    async def flush(self) -> None:
        """Writes what was left for the end, and the outbox: the last statement before the commit. Called by whoever opened
        the transaction."""
        writes, self._at_end = self._at_end, []
        if self._said:
            said, self._said = self._said, []
            writes.append(outbox.writing(said, self.now))
        await write_joined(self.connection, writes)


class Database:
    """A service's pool with what a transaction needs: the lanes of its topics, the clock, the wake-up."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        *,
        source: str,
        dsn: str = "",
        lane_of: Callable[[str], Lane],
        on_commit: Callable[[Iterable[str]], None] | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self.pool = pool
        self.source = source  # the service's name, which is also its schema's
        self.dsn = dsn
        self.lane_of = lane_of
        self._on_commit = on_commit
        self._clock = clock

    def told_time(self) -> datetime | None:
        """The time where somebody else tells it; None: the database's clock."""
        return self._clock() if self._clock else None

    @asynccontextmanager
    async def transaction(
        self, traces: dict[str, str] | None = None, *, origin: str | None = None, ask_time: bool = True
    ) -> AsyncIterator[Transaction]:
        """Commits when the block ends well, with everything that was emitted; rolls back otherwise.

        `traces` are traceparents by the key of a cause; `origin` is that of one request everything follows from.
        Without `ask_time` the first statement is the caller's, which tells the time as well (`begun_at`).
        """
        async with self.pool.acquire() as connection, connection.transaction():
            now = self.told_time()
            if ask_time and now is None:
                now = await connection.fetchval("SELECT now()")
            tx = Transaction(connection, now=now, lane_of=self.lane_of, traces=traces, origin=origin)
            yield tx
            await tx.flush()
        if self._on_commit and tx.lanes:
            self._on_commit(tx.lanes)

    @asynccontextmanager
    async def statements(self, *, ask_time: bool = True) -> AsyncIterator[Transaction]:
        """Statements that each stand alone, for what only reads or changes one thing and says nothing.

        Under READ COMMITTED every statement of a transaction looks anew, so reading sees the same either way, and
        saves two of three or four round trips. `emit` raises RuntimeError: what is said has to be committed with its cause.
        """
        async with self.pool.acquire() as connection:
            now = self.told_time()
            if ask_time and now is None:
                now = await connection.fetchval("SELECT now()")
            alone = Transaction(connection, now=now, lane_of=_nobody_listens)
            yield alone
            await alone.flush()


def _nobody_listens(topic: str) -> Lane:
    raise RuntimeError(f"{topic}: what is emitted needs a transaction")


def as_json(value: Any) -> bytes:
    """Compact JSON of plain Python objects."""
    return orjson.dumps(value)
