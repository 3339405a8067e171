"""One record on its way in: its envelope, its event, or why it is neither."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from shared.contracts.base import Event
from shared.messaging.dead_letters import Failed, Parked
from shared.messaging.envelope import Envelope, Malformed, read

# One day before the inbox forgets: an older event could be applied twice, so it is not applied at all.
TOO_OLD = timedelta(days=44)


class TooOld(Exception):
    """An event older than the inbox remembers: a human decides."""


@dataclass(slots=True)
class Incoming:
    """`event` is set for types that have a handler; `problem` when the record can never be applied."""

    topic: str
    key: str
    partition: int = -1
    offset: int = -1
    envelope: Envelope | None = None
    event: Event | None = None
    problem: Exception | None = None
    size: int = 0
    retold: bool = field(default=False)  # parked or waiting before: its id is already in the inbox

    @property
    def stream(self) -> tuple[str, str]:
        return self.topic, self.key

    @property
    def type(self) -> str:
        return self.envelope.type if self.envelope else "malformed"


def from_record(record: Any, types: Mapping[str, type[Event]], now: datetime) -> Incoming:
    """Reads a Kafka record; never raises: what is wrong stands in `problem`."""
    key = (record.key or b"").decode("utf-8", "replace")
    incoming = Incoming(record.topic, key, record.partition, record.offset, size=len(record.value or b""))
    try:
        incoming.envelope = read(record.headers, record.key, record.value)
    except Malformed as problem:
        incoming.problem = problem
        return incoming
    incoming.key = incoming.envelope.key
    if now - born(incoming.envelope.id) > TOO_OLD:
        incoming.problem = TooOld()
        return incoming
    _decode(incoming, types)
    return incoming


def from_parked(row: Parked, types: Mapping[str, type[Event]]) -> Incoming:
    """An event that was parked: its age does not matter, the inbox knows it."""
    envelope = Envelope(
        row.event_id, row.type, "", row.at, row.key, row.sequence, row.traceparent, row.payload
    )
    incoming = Incoming(row.topic, row.key, envelope=envelope, size=len(row.payload), retold=True)
    _decode(incoming, types)
    return incoming


def as_parked(incoming: Incoming) -> Parked:
    """The row behind a block."""
    e = incoming.envelope
    assert e is not None
    return Parked(incoming.topic, incoming.key, e.sequence, e.id, e.type, e.time, e.traceparent, e.data)


def as_failed(incoming: Incoming, error: str, stack: str) -> Failed:
    """The dead letter; a record without an envelope keeps its place in the log only."""
    e = incoming.envelope
    return Failed(
        topic=incoming.topic,
        partition=incoming.partition,
        offset=incoming.offset,
        key=incoming.key,
        event_id=e.id if e else None,
        type=incoming.type,
        sequence=e.sequence if e else None,
        at=e.time if e else None,
        traceparent=e.traceparent if e else None,
        payload=e.data if e else None,
        error=error,
        stack=stack,
    )


def born(event_id: UUID) -> datetime:
    """The moment inside a UUIDv7 (RFC 9562 §5.7): 48 bits of milliseconds."""
    return datetime.fromtimestamp((event_id.int >> 80) / 1000, UTC)


def _decode(incoming: Incoming, types: Mapping[str, type[Event]]) -> None:
    envelope = incoming.envelope
    assert envelope is not None
    model = types.get(envelope.type)
    if model is None:
        return
    try:
        incoming.event = model.model_validate_json(envelope.data)
    except ValueError as problem:
        incoming.problem = problem
