"""Remembers arrays by what they answer, so that the same question is computed once."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

from numpy.typing import NDArray

A = TypeVar("A", bound=NDArray[Any])

# Questions come from people's requests; beyond this many the memory is emptied rather than left to grow.
MOST = 4096


class Memory:
    """Two threads may compute the same array at the same time; either result is right."""

    def __init__(self) -> None:
        self._answers: dict[Hashable, NDArray[Any]] = {}

    def once(self, question: Hashable, compute: Callable[[], A]) -> A:
        """The remembered array, or the computed one. The question tells which kind of array it is."""
        answer = self._answers.get(question)
        if answer is None:
            if len(self._answers) >= MOST:
                self._answers.clear()
            self._answers[question] = answer = compute()
        return cast(A, answer)
