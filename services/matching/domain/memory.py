"""Remembers answers by their question, so that the same one is worked out once."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

A = TypeVar("A")

# Questions come from people's requests; beyond this many the memory is emptied rather than left to grow.
MOST = 4096


class Memory:
    """Two threads may work out the same answer at the same time; either is right."""

    def __init__(self) -> None:
        self._answers: dict[Hashable, Any] = {}

    def once(self, question: Hashable, answer: Callable[[], A]) -> A:
        """The remembered answer, or the one that is worked out now. One question has one kind of answer."""
        found = self._answers.get(question)
        if found is None:
            if len(self._answers) >= MOST:
                self._answers.clear()
            self._answers[question] = found = answer()
        return cast(A, found)
