"""Traces through the kernel: a span per batch with links, a span per event only where its trace is sampled."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from shared.messaging.incoming import Incoming
from shared.messaging.transaction import Transaction


@contextmanager
def handled(tx: Transaction, type_name: str, group: str, events: Sequence[Incoming]) -> Iterator[None]:
    """Around one handler call: what it emits goes on in the trace of the event that caused it."""
    for event in events:
        if event.envelope:
            tx.trace(event.key, event.envelope.traceparent)
    yield


@contextmanager
def batch_traced(group: str, batch: Sequence[Incoming]) -> Iterator[None]:
    """Around one transaction."""
    yield


def failed_for_good(group: str, incoming: Incoming, error: str) -> None:
    """An event became a dead letter: its trace is kept from here on, whatever the sampling said."""
