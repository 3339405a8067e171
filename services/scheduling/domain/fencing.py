"""Fencing: of all matches of a case, over both lanes, only the highest attempt that still stands may book.

An attempt may be an offer first, which books nothing, and then the choice from it, which does, once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Fence:
    """The highest attempt that was decided and the highest that was withdrawn; attempts begin at 1. `offered`: of the
    decided one only the offer was, and its choice is still to come."""

    attempt: int = 0
    withdrawn: int = 0
    care_stopped: bool = False
    offered: bool = False


class Attempt(Protocol):
    """A match or its withdrawal."""

    @property
    def case_id(self) -> UUID: ...

    @property
    def attempt(self) -> int: ...


class Match(Attempt, Protocol):
    """A match that books, or the offer of one."""

    @property
    def mode(self) -> str: ...


A = TypeVar("A", bound=Attempt)
M = TypeVar("M", bound=Match)


def admits(fence: Fence, attempt: int, mode: str = "book") -> bool:
    """Whether this attempt may still be decided: nothing newer was, nor itself but as an offer from which now is chosen,
    and it was not withdrawn."""
    chosen = fence.offered and mode == "book" and attempt == fence.attempt
    return (attempt > fence.attempt or chosen) and attempt > fence.withdrawn


def highest(attempts: Iterable[A]) -> dict[UUID, A]:
    """The highest attempt of each case."""
    found: dict[UUID, A] = {}
    for one in attempts:
        if one.case_id not in found or one.attempt > found[one.case_id].attempt:
            found[one.case_id] = one
    return found


def current(fences: Mapping[UUID, Fence], matches: Iterable[M]) -> list[M]:
    """One match per case at most: the highest of those given, if the fence admits it."""
    return [one for one in highest(matches).values() if admits(fences[one.case_id], one.attempt, one.mode)]


def decided(fence: Fence, attempt: int, mode: str = "book") -> Fence:
    """After a match was decided, with an hour or without."""
    return replace(fence, attempt=max(fence.attempt, attempt), offered=mode == "offer")


def withdrawn(fence: Fence, attempt: int) -> Fence:
    """After a withdrawal, which holds for lower attempts too, even those that come later."""
    return replace(fence, withdrawn=max(fence.withdrawn, attempt))
