"""Questions to a database that may be away for a while: asked again on a new connection until there is an answer."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Concatenate, ParamSpec, Self, TypeVar

import asyncpg

from shared.messaging.failures import TROUBLE

P = ParamSpec("P")
A = TypeVar("A")

PATIENCE, PAUSE = 60.0, 0.5


class Patient:
    """One connection that is made again when it is gone; questions only, for they may be asked twice."""

    def __init__(self, database: str) -> None:
        self._database = database
        self._connection: asyncpg.Connection | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._leave()

    async def ask(
        self,
        question: Callable[Concatenate[asyncpg.Connection, P], Awaitable[A]],
        *what: P.args,
        **named: P.kwargs,
    ) -> A:
        """The answer. Raises what the database raised when it stays away for a minute."""
        until = asyncio.get_running_loop().time() + PATIENCE
        while True:
            try:
                if self._connection is None:
                    self._connection = await asyncpg.connect(self._database, timeout=5, command_timeout=20)
                return await question(self._connection, *what, **named)
            except TROUBLE:
                await self._leave()
                if asyncio.get_running_loop().time() > until:
                    raise
            await asyncio.sleep(PAUSE)

    async def _leave(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*TROUBLE):
                await connection.close(timeout=2)
