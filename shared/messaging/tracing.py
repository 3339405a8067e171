"""Traces through the kernel: a span per batch with links, a span per event only where its trace is sampled.

The span of an event is the child of its creation context, so that one request is one trace through all
services (OpenTelemetry messaging conventions, "single-message processing"; docs/decisions/0007-tracing.md).
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from opentelemetry.trace import SpanKind

from shared.messaging.incoming import Incoming
from shared.messaging.transaction import Transaction
from shared.telemetry import child_of, force_sampled, is_sampled, new_traceparent, record_span


@contextmanager
def handled(tx: Transaction, type_name: str, group: str, events: Sequence[Incoming]) -> Iterator[None]:
    """Around one handler call: what it emits goes on in the trace of the event that caused it."""
    spans = [(event, own) for event in events if (own := _continue(tx, event))]
    started = time.time_ns()
    failed: str | None = None
    try:
        yield
    except Exception as failure:
        failed = type(failure).__name__
        raise
    finally:
        for event, own in spans:
            _record(event, own, type_name, group, (started, time.time_ns()), failed)


@contextmanager
def batch_traced(group: str, batch: Sequence[Incoming]) -> Iterator[None]:
    """Around one transaction, where it holds a sampled event: links to all of them."""
    links = [e.envelope.traceparent for e in batch if e.envelope and is_sampled(e.envelope.traceparent)]
    started = time.time_ns()
    try:
        yield
    finally:
        if links:
            record_span(
                new_traceparent(True),
                parent=None,
                name=f"poll {group}",
                kind=SpanKind.CLIENT,
                times=(started, time.time_ns()),
                attributes={
                    "messaging.system": "kafka",
                    "messaging.operation.name": "poll",
                    "messaging.operation.type": "receive",
                    "messaging.consumer.group.name": group,
                    "messaging.batch.message_count": len(batch),
                },
                links=[link for link in links[:64] if link],
            )


def failed_for_good(group: str, incoming: Incoming, error: str) -> None:
    """An event became a dead letter: its trace is kept from here on, whatever the sampling said."""
    traced = force_sampled(incoming.envelope.traceparent) if incoming.envelope else None
    if traced:
        now = time.time_ns()
        _record(incoming, (child_of(traced), traced), incoming.type, group, (now, now), error.split(" ")[0])


def _continue(tx: Transaction, event: Incoming) -> tuple[str, str] | None:
    """Declares the event's trace to the transaction; its own span and that span's parent, when sampled."""
    parent = event.envelope.traceparent if event.envelope else None
    if parent is None or not is_sampled(parent):
        tx.trace(event.key, parent)
        return None
    own = child_of(parent)
    tx.trace(event.key, own)
    return own, parent


def _record(
    event: Incoming,
    own: tuple[str, str],
    type_name: str,
    group: str,
    times: tuple[int, int],
    failed: str | None,
) -> None:
    attributes: dict[str, str | int | float | bool] = {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": event.topic,
        "messaging.consumer.group.name": group,
        "humqadam.event.type": type_name,
    }
    case_id = getattr(event.event, "case_id", None)
    if case_id is not None:
        attributes["case_id"] = str(case_id)
    if failed:
        attributes["error.type"] = failed
    span, parent = own
    record_span(
        span,
        parent=parent,
        name=f"process {event.topic}",
        kind=SpanKind.CONSUMER,
        times=times,
        attributes=attributes,
    )
