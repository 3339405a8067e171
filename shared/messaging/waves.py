"""Cutting a batch into waves, so that a handler never meets one key twice in a call."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar


class Keyed(Protocol):
    """What has a type and a stream it belongs to (topic and key)."""

    @property
    def type(self) -> str: ...

    @property
    def stream(self) -> tuple[str, str]: ...


K = TypeVar("K", bound=Keyed)


def waves(events: Iterable[K]) -> list[list[K]]:
    """The i-th event of each stream goes into wave i; within a wave the order of arrival stands."""
    seen: dict[tuple[str, str], int] = {}
    cut: list[list[K]] = []
    for event in events:
        turn = seen.get(event.stream, 0)
        seen[event.stream] = turn + 1
        if turn == len(cut):
            cut.append([])
        cut[turn].append(event)
    return cut


def by_type(wave: Sequence[K]) -> Iterator[tuple[str, list[K]]]:
    """The wave's events grouped by type, types in order of first arrival."""
    groups: dict[str, list[K]] = {}
    for event in wave:
        groups.setdefault(event.type, []).append(event)
    yield from groups.items()
