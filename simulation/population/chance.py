"""Chance that can be repeated: every person and therapist has a stream of its own, so a larger country begins
with the same people as a smaller one."""

import random
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Generic, TypeVar
from uuid import UUID, uuid5

NAMESPACE = UUID("6f0b0d52-6a3e-5d0c-9c55-2f6d7f1f8a10")
# Fractions of these step evenly through [0, 1): any first n of a series are spread as well as all of it.
GOLDEN, SILVER, BRONZE = 0.6180339887498949, 0.4142135623730951, 0.3027756377319946

T = TypeVar("T")


class Weighted(Generic[T]):
    """A choice with weights, which need not sum to one."""

    def __init__(self, weights: Mapping[T, float]) -> None:
        self._items: Sequence[T] = tuple(weights)
        self._bounds = tuple(accumulate(weights.values()))

    def at(self, share: float) -> T:
        """The item at this share of the whole, 0 <= share < 1."""
        mark = share * self._bounds[-1]
        return next(item for item, bound in zip(self._items, self._bounds, strict=True) if mark < bound)

    def draw(self, chance: random.Random) -> T:
        """One item by chance."""
        return self.at(chance.random())


def stream(seed: int, kind: str, number: int) -> random.Random:
    """The chance of one thing alone: what comes before or after does not change it."""
    return random.Random(f"{seed}/{kind}/{number}")


def evenly(number: int, step: float, start: float = 0.5) -> float:
    """The number-th point of an even spread over [0, 1)."""
    return (start + number * step) % 1.0


def identifier(seed: int, kind: str, number: int) -> UUID:
    """The same id for the same thing, so that seeding twice changes nothing."""
    return uuid5(NAMESPACE, f"{seed}/{kind}/{number}")
