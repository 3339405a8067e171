"""Bulk work takes turns: few uploads, fewer transactions, and what goes wrong with one line stays its own."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from services.intake.handlers.bulk import BulkLine, Settled
from shared.messaging import Database, Transaction
from shared.messaging.failures import describe, is_transient
from shared.web import Problem

UPLOADS = 4  # as many read at once; who comes later is told to come again
PAUSES = (0.05, 0.3, 1.0)  # seconds before a batch is tried again
# Single posts that wait although one transaction takes as many: people come first, and bulk is what is shed first.
CROWD = 200
GIVE_WAY_SECONDS = 1.0
LOOK_SECONDS = 0.02

Work = Callable[[Sequence[BulkLine], Transaction, str], Awaitable[list[Settled]]]
Result = Settled | Problem

log = logging.getLogger(__name__)


class BulkTurns:
    """One batch is one transaction, and one of them runs at a time, whatever the number of files. `posts_waiting`
    tells how many single posts wait for theirs."""

    def __init__(self, database: Database, work: Work, posts_waiting: Callable[[], int]) -> None:
        self._database = database
        self._work = work
        self._posts_waiting = posts_waiting
        self._turn = asyncio.Semaphore(1)
        self._uploads = 0

    @asynccontextmanager
    async def upload(self) -> AsyncIterator[None]:
        """A place for one upload. Raises Problem 503 before anything of it is read."""
        if self._uploads >= UPLOADS or self._posts_waiting() > CROWD:
            detail = "Too much is being taken in; please send this file again."
            raise Problem(503, "overloaded", detail, headers={"retry-after": "2"})
        self._uploads += 1
        try:
            yield
        finally:
            self._uploads -= 1

    async def settle(self, lines: Sequence[BulkLine], sender: str) -> list[Result]:
        """In the order of the lines, once they are durable. Problem 503 in the place of each when the database
        stays away: it may not have been saved, and can be sent again."""
        if not lines:
            return []
        for pause in (*PAUSES, None):
            await self._give_way()
            try:
                async with self._turn, self._database.transaction() as tx:
                    return [*await self._work(lines, tx, sender)]
            except Exception as failure:
                if not is_transient(failure):
                    return await self._apart(lines, sender, failure)
            if pause is not None:
                await asyncio.sleep(pause)
        return [try_again()] * len(lines)

    async def _give_way(self) -> None:
        """For a while, not for ever: a file that has been begun is finished."""
        for _ in range(int(GIVE_WAY_SECONDS / LOOK_SECONDS)):
            if self._posts_waiting() <= CROWD:
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def _apart(self, lines: Sequence[BulkLine], sender: str, failure: Exception) -> list[Result]:
        """Halved until the line that breaks the batch stands alone."""
        if len(lines) == 1:
            log.error("a line could not be taken: %s", describe(failure))
            return [Problem(500, "internal")]
        half = len(lines) // 2
        return [*await self.settle(lines[:half], sender), *await self.settle(lines[half:], sender)]


def try_again() -> Problem:
    """What is told of a line that may or may not be durable."""
    return Problem(
        503, "try_again", "It may not have been saved; please send it again with the same reference."
    )
