"""Which events of a batch may be applied now. Pure: a reader applies last + 1 and nothing else."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from uuid import UUID

from shared.messaging.incoming import Incoming

Stream = tuple[str, str]


@dataclass(slots=True)
class Admitted:
    """What to apply, what to park, which streams are blocked from now on, and how far each one is."""

    apply: list[Incoming] = field(default_factory=list)
    park: list[Incoming] = field(default_factory=list)
    gaps: set[Stream] = field(default_factory=set)
    last: dict[Stream, int] = field(default_factory=dict)
    repeats: int = 0


@dataclass(frozen=True, slots=True)
class Policy:
    """How topics are read: compacted ones skip sequences, `never_parked` ones hold nothing back."""

    compacted: AbstractSet[str] = frozenset()
    never_parked: AbstractSet[str] = frozenset()


def admit(
    events: Sequence[Incoming],
    *,
    fresh: AbstractSet[UUID],
    last: Mapping[Stream, int],
    dead: AbstractSet[Stream],
    policy: Policy,
) -> Admitted:
    """Decides event by event, in order. The first event ever seen of a stream sets its start."""
    result, unseen = Admitted(), set(fresh)
    for event in events:
        envelope = event.envelope
        if envelope is None:
            result.apply.append(event)  # unreadable: applying it raises its problem
            continue
        stream = event.stream
        reached = result.last.get(stream, last.get(stream))
        known = not event.retold and event.topic not in policy.compacted and envelope.id not in unseen
        unseen.discard(envelope.id)
        if known or (reached is not None and envelope.sequence <= reached):
            result.repeats += 1
        elif stream in dead:
            result.park.append(event)
            if not _is_early(event, reached, policy):  # what is missing may still come
                result.last[stream] = envelope.sequence
        elif _is_early(event, reached, policy):
            result.park.append(event)
            result.gaps.add(stream)
        else:
            result.apply.append(event)
            result.last[stream] = envelope.sequence
    for stream in sorted(result.gaps):
        _release(result, stream, result.last.get(stream, last.get(stream, 0)))
    return result


def in_order(parked: Sequence[Incoming], arrived: Sequence[Incoming]) -> list[Incoming]:
    """Joins events parked behind a gap with new ones of the same streams, by sequence."""
    streams = {event.stream for event in parked}
    mixed = [*parked, *(event for event in arrived if event.stream in streams and event.envelope)]
    mixed.sort(key=lambda event: (event.stream, event.envelope.sequence if event.envelope else 0))
    return mixed + [event for event in arrived if event.stream not in streams or not event.envelope]


def _release(result: Admitted, stream: Stream, reached: int) -> None:
    """What was early may follow on something that came after it in the same batch."""
    early = {e.envelope.sequence: e for e in result.park if e.stream == stream and e.envelope}
    while event := early.pop(reached + 1, None):
        reached += 1
        result.park.remove(event)
        result.apply.append(event)
        result.last[stream] = reached
    if not early:
        result.gaps.discard(stream)


def _is_early(event: Incoming, reached: int | None, policy: Policy) -> bool:
    if reached is None or event.topic in policy.compacted or event.topic in policy.never_parked:
        return False
    assert event.envelope is not None
    return event.envelope.sequence > reached + 1
