"""Requests that come together share one transaction (docs/decisions/0006)."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from shared.web.problems import Problem

T = TypeVar("T")
R = TypeVar("R")


class Batcher(Generic[T, R]):
    """Collects while a batch is running; an idle one works at once. `work` answers in the order of its items:
    an exception in an item's place is raised to that waiter alone, an exception of the batch to all."""

    def __init__(
        self,
        work: Callable[[list[T]], Awaitable[Sequence[R | Exception]]],
        *,
        max_batch: int = 200,
        max_running: int = 2,
        max_waiting: int = 5000,
    ) -> None:
        self._work = work
        self._max_batch = max_batch
        self._max_running = max_running
        self._max_waiting = max_waiting
        self._queue: deque[tuple[T, asyncio.Future[R]]] = deque()
        self._running = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def submit(self, item: T) -> R:
        """The answer to this item. Raises Problem 503 when too many are waiting already."""
        self.admit()
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._queue.append((item, answer))
        if self._running < self._max_running:
            self._start()
        return await answer

    def admit(self) -> None:
        """Raises Problem 503 when too many are waiting already; for who would not read a body in vain."""
        if len(self._queue) >= self._max_waiting:
            raise Problem(503, "overloaded", headers={"retry-after": "1"})

    @property
    def waiting(self) -> int:
        """How many have not been taken into a batch yet."""
        return len(self._queue)

    def _start(self) -> None:
        self._running += 1
        task = asyncio.create_task(self._run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self) -> None:
        try:
            await self._work_off()
        finally:
            # Counted down in the same step that found the queue empty: who submits a moment later starts anew.
            # (A done callback runs too late: a waiter that was just answered may submit before it.)
            self._running -= 1

    async def _work_off(self) -> None:
        while self._queue:
            taken = [self._queue.popleft() for _ in range(min(len(self._queue), self._max_batch))]
            waiting = [(item, answer) for item, answer in taken if not answer.cancelled()]
            if not waiting:
                continue
            try:
                answers = await self._work([item for item, _ in waiting])
            except Exception as failure:
                answers = [failure] * len(waiting)
            for (_, answer), result in zip(waiting, answers, strict=True):
                _settle(answer, result)


def _settle(answer: "asyncio.Future[R]", result: "R | Exception") -> None:
    if answer.done():
        return
    if isinstance(result, Exception):
        answer.set_exception(result)
    else:
        answer.set_result(result)
