"""A transaction for one use case of HTTP: tried again when the database asks for it, which nobody needs to see."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from asyncpg import exceptions

from services.scheduling.repository.diary import Contended
from shared.messaging import Database, Transaction

R = TypeVar("R")

TRIES = 4
PAUSE = 0.02
# Deadlock, serialisation failure, lock timeout: nothing was written, and the next try may well pass.
AGAIN = (
    exceptions.DeadlockDetectedError,
    exceptions.SerializationError,
    exceptions.LockNotAvailableError,
    Contended,
)


class InTurn(Protocol):
    """What `turns` makes."""

    async def __call__(
        self,
        use_case: Callable[[Transaction], Awaitable[R]],
        *,
        origin: str | None = None,
        reads: bool = False,
    ) -> R: ...


def turns(database: Database) -> InTurn:
    """Runs a use case in a transaction, at most four times, with a growing random pause in between; what only `reads`
    needs no transaction."""

    async def in_turn(
        use_case: Callable[[Transaction], Awaitable[R]], *, origin: str | None = None, reads: bool = False
    ) -> R:
        if reads:
            async with database.statements() as tx:
                return await use_case(tx)
        for number in range(1, TRIES):
            try:
                return await _once(database, use_case, origin)
            except AGAIN:
                await asyncio.sleep(random.uniform(0, PAUSE * 2**number))
        return await _once(database, use_case, origin)

    return in_turn


async def _once(database: Database, use_case: Callable[[Transaction], Awaitable[R]], origin: str | None) -> R:
    async with database.transaction(origin=origin) as tx:
        return await use_case(tx)
