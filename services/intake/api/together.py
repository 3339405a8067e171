"""Requests that come together share a transaction; what goes wrong with one of them stays its own."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Generic, TypeVar

from shared.messaging import Database, Transaction
from shared.messaging.failures import is_held_up, is_transient
from shared.web import Batcher, Problem

T = TypeVar("T")
R = TypeVar("R")
Work = Callable[[Sequence[T], Transaction], Awaitable[Sequence[R | Exception]]]
Begin = Callable[[], AbstractAsyncContextManager[Transaction]]


def together(
    database: Database, work: Work[T, R], *, at_once: int = 2, apart: bool = False
) -> Callable[[T], Awaitable[R]]:
    """`work` as a function of one item, which waits until the transaction it was put into is committed.

    With one transaction `at_once` batches grow: 16 posts at a time cost 670 µs each instead of 1,015. Two are for
    work that may wait for a lock. `apart`: where one waits for a lock in vain the others are tried without it.
    """
    return Together(database.transaction, work, at_once=at_once, apart=apart)


def read_together(database: Database, work: Work[T, R], *, at_once: int = 2) -> "Together[T, R]":
    """The same for work that only reads, and needs no transaction."""
    return Together(database.statements, work, at_once=at_once)


class Together(Generic[T, R]):
    """What `together` makes; `waiting` is how many more items there are than the running transactions took."""

    def __init__(self, begin: Begin, work: Work[T, R], *, at_once: int, apart: bool = False) -> None:
        self._begin = begin
        self._work = work
        self._apart = apart
        self._batcher = Batcher(self._in_one, max_running=at_once)

    def __call__(self, item: T) -> Awaitable[R]:
        return self._batcher.submit(item)

    def admit(self) -> None:
        """Raises Problem 503 when an item would be refused."""
        self._batcher.admit()

    @property
    def waiting(self) -> int:
        return self._batcher.waiting

    async def _in_one(self, items: Sequence[T]) -> Sequence[R | Exception]:
        try:
            async with self._begin() as tx:
                return await self._work(items, tx)
        except Exception as failure:
            if self._apart and len(items) > 1 and is_held_up(failure):
                # Nobody knows for whose row it waited: side by side, for one after the other they would wait as long each.
                each = await asyncio.gather(*(self._in_one([item]) for item in items))
                return [answer for answers in each for answer in answers]
            if is_transient(failure):
                return [_away()] * len(items)
            if len(items) == 1:
                return [failure]
        # Somebody's request breaks the batch: each alone, so that nobody else pays for it.
        return [answer for item in items for answer in await self._in_one([item])]


def _away() -> Problem:
    detail = "It may not have been saved; please send it again with the same key."
    return Problem(503, "try_again", detail, headers={"retry-after": "1"})
