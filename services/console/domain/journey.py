"""One case across all services: what the tables say and what was said on the topics, as one story."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the story: from a service's own table (`source` = service) or from a topic."""

    at: datetime
    source: str
    what: str
    detail: str
    waits_for: str | None
    trace: str | None


@dataclass(frozen=True, slots=True)
class Journey:
    """The steps in the order of time, the trace ids in the order of appearance, and what is waited for."""

    steps: tuple[Step, ...]
    traces: tuple[str, ...]
    waits_for: tuple[str, ...]


def tell(steps: Iterable[Step], held_back: Sequence[str]) -> Journey:
    """`held_back` are the kernel's own reasons: blocked streams, waiting events, unsent events."""
    ordered = tuple(sorted(steps, key=lambda step: (step.at, step.source)))
    traces = dict.fromkeys(step.trace for step in ordered if step.trace)
    waits = dict.fromkeys([*held_back, *(f"{s.source}: {s.waits_for}" for s in ordered if s.waits_for)])
    return Journey(ordered, tuple(trace for trace in traces if trace), tuple(waits))


def trace_id(traceparent: str | None) -> str | None:
    """The 32 hex digits in the middle of a W3C traceparent."""
    parts = (traceparent or "").split("-")
    return parts[1] if len(parts) == 4 and len(parts[1]) == 32 else None
