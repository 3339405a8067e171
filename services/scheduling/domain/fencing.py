"""Fencing: of all matches of a case, over both lanes, only the highest attempt that still stands may book."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Fence:
    """The highest attempt that was decided and the highest that was withdrawn; attempts begin at 1."""

    attempt: int = 0
    withdrawn: int = 0
    care_stopped: bool = False


class Attempt(Protocol):
    """A match or its withdrawal."""

    @property
    def case_id(self) -> UUID: ...

    @property
    def attempt(self) -> int: ...


A = TypeVar("A", bound=Attempt)


def admits(fence: Fence, attempt: int) -> bool:
    """Whether this attempt may still be decided: nothing newer was, and it was not withdrawn."""
    return attempt > fence.attempt and attempt > fence.withdrawn


def highest(attempts: Iterable[A]) -> dict[UUID, A]:
    """The highest attempt of each case."""
    found: dict[UUID, A] = {}
    for one in attempts:
        if one.case_id not in found or one.attempt > found[one.case_id].attempt:
            found[one.case_id] = one
    return found


def current(fences: Mapping[UUID, Fence], attempts: Iterable[A]) -> list[A]:
    """One attempt per case at most: the highest of those given, if the fence admits it."""
    return [one for one in highest(attempts).values() if admits(fences[one.case_id], one.attempt)]


def decided(fence: Fence, attempt: int) -> Fence:
    """After a match was decided, with an hour or without."""
    return replace(fence, attempt=max(fence.attempt, attempt))


def withdrawn(fence: Fence, attempt: int) -> Fence:
    """After a withdrawal, which holds for lower attempts too, even those that come later."""
    return replace(fence, withdrawn=max(fence.withdrawn, attempt))
