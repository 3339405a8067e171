"""Topics have an order each and none among them: all the ways in which a reader may come to hear what they say."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def interleavings(*topics: Sequence[T]) -> Iterator[list[T]]:
    """Every order that keeps each topic's own."""
    if not any(topics):
        yield []
    for place, topic in enumerate(topics):
        if topic:
            rest = [*topics[:place], topic[1:], *topics[place + 1 :]]
            for later in interleavings(*rest):
                yield [topic[0], *later]
