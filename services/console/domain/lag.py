"""How far each group is behind in each topic it reads."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a group of a service stands in one partition: the next offset it will apply."""

    service: str
    group: str
    topic: str
    partition: int
    next: int


@dataclass(frozen=True, slots=True)
class Lag:
    """One group in one topic: events behind, and the age of the oldest of them in seconds (None: none)."""

    service: str
    group: str
    topic: str
    stored: int
    end: int
    behind: int
    oldest_seconds: float | None


def behind(stored: Iterable[Stored], ends: Mapping[Place, int]) -> list[Stored]:
    """The partitions in which something is left to read."""
    return [one for one in stored if ends.get((one.topic, one.partition), 0) > one.next]


def lags(
    stored: Iterable[Stored],
    ends: Mapping[Place, int],
    oldest: Mapping[tuple[str, int, int], float],
    now: float,
) -> list[Lag]:
    """Per service, group and topic. `oldest` = the Unix time of the record at (topic, partition, offset)."""
    groups: dict[tuple[str, str, str], list[Stored]] = {}
    for one in stored:
        groups.setdefault((one.service, one.group, one.topic), []).append(one)
    return [_lag(parts, ends, oldest, now) for _, parts in sorted(groups.items())]


def _lag(
    parts: list[Stored], ends: Mapping[Place, int], oldest: Mapping[tuple[str, int, int], float], now: float
) -> Lag:
    first = parts[0]
    missing = [max(0, ends.get((p.topic, p.partition), 0) - p.next) for p in parts]
    times = [oldest[p.topic, p.partition, p.next] for p in parts if (p.topic, p.partition, p.next) in oldest]
    return Lag(
        service=first.service,
        group=first.group,
        topic=first.topic,
        stored=sum(p.next for p in parts),
        end=sum(ends.get((p.topic, p.partition), 0) for p in parts),
        behind=sum(missing),
        oldest_seconds=round(max(0.0, now - min(times)), 3) if times else None,
    )
