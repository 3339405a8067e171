"""Applying events inside one transaction: admission, waves, handlers, and what waited for them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.contracts.base import Event
from shared.messaging import dead_letters, inbox, waiting
from shared.messaging.admission import Admitted, Policy, admit, in_order
from shared.messaging.dead_letters import Parked
from shared.messaging.inbox import Begun
from shared.messaging.incoming import Incoming, as_parked, from_parked
from shared.messaging.tracing import handled
from shared.messaging.transaction import Transaction
from shared.messaging.waves import by_type, waves

Handler = Callable[[Sequence[Any], Transaction], Awaitable[None]]
Moves = Mapping[inbox.Partition, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Reader:
    """A consumer group: its handlers by wire type, and how its topics are read."""

    group: str
    handlers: Mapping[str, Handler]
    types: Mapping[str, type[Event]]
    known: frozenset[str]
    policy: Policy


@dataclass(slots=True)
class Applied:
    """What became of a batch, for the metrics."""

    applied: int = 0
    repeats: int = 0
    parked: int = 0
    skipped: int = 0


async def apply_batch(tx: Transaction, reader: Reader, batch: Sequence[Incoming], moves: Moves) -> Applied:
    """The whole of reading: offsets, inbox, order, handlers. Raises what a handler raises, or Fenced."""
    ids = [e.envelope.id for e in batch if e.envelope and e.topic not in reader.policy.compacted]
    streams = sorted({e.stream for e in batch if e.envelope})
    begun = await inbox.begin(tx.connection, reader.group, moves, ids, streams)
    tx.begun_at(begun.now)
    admitted = await _admit(tx, reader, batch, begun)
    skipped = await apply_events(tx, reader, admitted.apply)
    await dead_letters.park(tx.connection, reader.group, [as_parked(e) for e in admitted.park])
    await dead_letters.block(tx.connection, reader.group, sorted(admitted.gaps), "gap")
    if admitted.last:
        tx.write_at_end(*inbox.reaching(reader.group, admitted.last))
    return Applied(len(admitted.apply), admitted.repeats, len(admitted.park), skipped)


async def _admit(tx: Transaction, reader: Reader, batch: Sequence[Incoming], begun: Begun) -> Admitted:
    gaps = [stream for stream, kind in begun.blocked.items() if kind == "gap"]
    events: Sequence[Incoming] = batch
    if gaps:
        parked = await dead_letters.take_parked(tx.connection, reader.group, gaps)
        await dead_letters.lift(tx.connection, reader.group, gaps)
        events = in_order([from_parked(row, reader.types) for row in parked], batch)
    dead = {stream for stream, kind in begun.blocked.items() if kind == "dead"}
    return admit(events, fresh=begun.fresh, last=begun.last, dead=dead, policy=reader.policy)


async def apply_events(tx: Transaction, reader: Reader, events: Sequence[Incoming]) -> int:
    """Hands events to their handlers in waves; returns how many are of a type nobody here knows."""
    for event in events:
        if event.problem:
            raise event.problem
    unknown = [e for e in events if e.type not in reader.known]
    await inbox.count_skipped(tx.connection, reader.group, [(e.topic, e.type) for e in unknown])
    for wave in waves([e for e in events if e.event is not None]):
        await _apply_wave(tx, reader, wave)
    return len(unknown)


async def _apply_wave(tx: Transaction, reader: Reader, wave: Sequence[Incoming]) -> None:
    for type_name, group in by_type(wave):
        with handled(tx, type_name, reader.group, group):
            await reader.handlers[type_name]([e.event for e in group], tx)
    while tx.facts:
        facts, tx.facts = tx.facts, []
        for released in waves(await _released(tx, reader, facts)):
            await _apply_wave(tx, reader, released)


async def _released(tx: Transaction, reader: Reader, facts: Sequence[str]) -> list[Incoming]:
    rows = await waiting.take(tx.connection, facts)
    # A waiting row has no sequence of its own any more: it was in order when it was kept.
    return [
        from_parked(
            Parked(r["topic"], r["key"], 0, tx.new_id(), r["type"], tx.now, r["traceparent"], r["payload"]),
            reader.types,
        )
        for r in rows
    ]
