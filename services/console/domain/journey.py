"""One case across all services: what the tables say and what was said on the topics, as one story."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

# Crockford's alphabet: what people put between the characters goes, and letters that look like digits are digits.
AS_KEPT = str.maketrans("OIL", "011", " -")
CODE = re.compile(r"[0-9A-HJKMNP-TV-Z]{10}")


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the story: from a service's own table (`source` = service) or from a topic. `kept`: the trace can be
    looked at; of most only the id is known."""

    at: datetime
    source: str
    what: str
    detail: str
    waits_for: str | None
    trace: str | None
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Cause:
    """Why it does not go on. `code` is `state` where a service waits as it should (`because`: its rule or reason code);
    the others are technical: blocked_key, dead_letter, waiting_fact, outbox_not_sent, consumer_stopped, consumer_behind,
    broker_away."""

    service: str
    code: str
    what: str
    since: datetime | None = None
    because: str = ""

    @property
    def sentence(self) -> str:
        """As an operator reads it; since when, where that does not stand among the steps."""
        since = (
            f" since {self.since.isoformat(timespec='seconds')}"
            if self.since and self.code != "state"
            else ""
        )
        return f"{self.service}: {self.what}{since}"


@dataclass(frozen=True, slots=True)
class Journey:
    """The steps in the order of time, the trace ids in the order of appearance (`kept`: those that can be looked at), and
    what is waited for, technical causes first."""

    steps: tuple[Step, ...]
    traces: tuple[str, ...]
    waits_for: tuple[Cause, ...]
    kept: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Reading:
    """A group of a service that reads one partition, and the next offset it will apply."""

    service: str
    group: str
    topic: str
    partition: int
    next: int = 0


def tell(steps: Iterable[Step], held_back: Sequence[Cause]) -> Journey:
    """`held_back` are the kernel's own reasons: blocked streams, waiting events, unsent events, readers that stopped."""
    ordered = tuple(sorted(steps, key=lambda step: (step.at, step.source)))
    traces = dict.fromkeys(step.trace for step in ordered if step.trace)
    last = {step.source: step.at for step in ordered}
    # Who waited for another service waits no more once that one has gone on.
    waiting = [s for s in ordered if s.waits_for and last.get(s.waits_for, s.at) <= s.at]
    states = [Cause(s.source, "state", s.waits_for or "", s.at, s.detail) for s in waiting]
    waits = dict.fromkeys([*held_back, *states])
    kept = frozenset(step.trace for step in ordered if step.trace and step.kept)
    return Journey(ordered, tuple(trace for trace in traces if trace), tuple(waits), kept)


def with_causes(journey: Journey, causes: Sequence[Cause]) -> Journey:
    """These before whatever else is waited for."""
    return replace(journey, waits_for=(*causes, *journey.waits_for))


def unread(readings: Iterable[Reading], held: Mapping[Reading, bool]) -> list[Cause]:
    """What nobody reads now, although it was read before: its process is away, or has stopped itself."""
    return [
        Cause(
            one.service,
            "consumer_stopped",
            f"nobody reads {one.topic}/{one.partition} as {one.group}",
        )
        for one in readings
        if not held.get(one)
    ]


def behind(readings: Iterable[Reading], ends: Mapping[tuple[str, int], tuple[int, int]]) -> list[Cause]:
    """What was said a while ago and has not been read, although somebody should: the reader has stopped itself, waits for
    an operator, or is slow. `ends` by topic and partition: the offset after what was said by then, and the very end."""
    return [
        Cause(
            one.service,
            "consumer_behind",
            f"{ends[one.topic, one.partition][1] - one.next} left to read in {one.topic}/{one.partition} as {one.group}",
        )
        for one in readings
        if one.next < ends[one.topic, one.partition][0]
    ]


def read_case(said: str) -> UUID | str | None:
    """A case's id, or its code in the spelling it is kept in; None for what is neither."""
    code = said.upper().translate(AS_KEPT)
    if CODE.fullmatch(code):
        return code
    try:
        return UUID(said) if len(said) == 36 else None
    except ValueError:
        return None


def trace_id(traceparent: str | None) -> str | None:
    """The 32 hex digits in the middle of a W3C traceparent."""
    parts = (traceparent or "").split("-")
    return parts[1] if len(parts) == 4 and len(parts[1]) == 32 else None


def is_kept(traceparent: str | None) -> bool:
    """Whether the trace was sampled: the last of the flags."""
    return trace_id(traceparent) is not None and (traceparent or "")[-1:] in "13579bdf"
