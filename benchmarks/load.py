"""Whoever asks, in a process of its own that does nothing else: so it can be said how busy it was and how late its posts left.

At a pace, posts leave by a schedule that is fixed before the first of them, whatever became of the others. Without one, people ask as
fast as the slowest stage takes them in: whoever posts waits while there is no room.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from pathlib import Path
from uuid import uuid4

import uvloop

from simulation import asking
from simulation.asking import Asked, Submit
from simulation.client_log import ClientLog
from simulation.http_client import Address
from simulation.population import Person

POSTING, AT_ONCE = 3, 150  # so many times so many people at once
ROOM_SECONDS = 0.02


@dataclass(slots=True)
class Load:
    """Who asks, again and again and each time as somebody else; what was asked and answered goes to the end of `file`.
    `per_second` is the pace; `room` is set while there is room for more."""

    address: Address
    file: Path
    known: Sequence[Person]
    per_second: float | None = None
    room: Event | None = None
    people: Iterator[Person] = field(init=False)

    def __post_init__(self) -> None:
        self.people = cycle(self.known)

    async def pour(self, seconds: float) -> Asked:
        """For so long; returns when all were answered."""
        asked, log = Asked(), ClientLog(self.file)
        try:
            if self.per_second:
                jobs = self._jobs(round(seconds * self.per_second))
                await asking.ask(self.address, jobs, log, asked, per_second=self.per_second)
            else:
                await self._as_there_is_room(seconds, log, asked)
        finally:
            log.close()
        return asked

    async def fill(self, count: int) -> Asked:
        """So many, as fast as they are answered."""
        asked, log = Asked(), ClientLog(self.file)
        try:
            await asking.ask(self.address, self._jobs(count), log, asked)
        finally:
            log.close()
        return asked

    async def _as_there_is_room(self, seconds: float, log: ClientLog, asked: Asked) -> None:
        until = asyncio.get_running_loop().time() + seconds

        async def post() -> None:
            while asyncio.get_running_loop().time() < until:
                await asking.ask(self.address, self._jobs(AT_ONCE), log, asked)
                while self.room and not self.room.is_set():  # noqa: ASYNC110 - another process sets it
                    await asyncio.sleep(ROOM_SECONDS)

        async with asyncio.TaskGroup() as group:
            for _ in range(POSTING):
                group.create_task(post())

    def _jobs(self, count: int) -> Iterator[Submit]:
        """Made as they are asked for; nobody asks twice under one key."""
        for begin in range(0, count, len(self.known)):
            some = islice(self.people, min(len(self.known), count - begin))
            yield from asking.submits(some, uuid4().hex[:12], self.address)


class Client:
    """The process: its `pid`, and what it is told to do."""

    def __init__(self, pool: ProcessPoolExecutor, room: Event, pid: int) -> None:
        self._pool = pool
        self.room = room
        self.pid = pid

    async def pour(self, seconds: float) -> Asked:
        """As `Load.pour`."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, _pour, seconds)


@asynccontextmanager
async def client(
    address: Address, file: Path, known: Sequence[Person], per_second: float | None
) -> AsyncIterator[Client]:
    """Up while it is entered, with its people made; whoever leaves by a failure does not wait for it."""
    # A new interpreter and no copy of ours, which has loops, sockets and threads.
    fresh = get_context("spawn")
    room = fresh.Event()
    told = (address, file, known, per_second, room)
    with ProcessPoolExecutor(1, fresh, initializer=_begin, initargs=told) as pool:
        own = Client(pool, room, await asyncio.get_running_loop().run_in_executor(pool, os.getpid))
        try:
            yield own
        except BaseException:
            os.kill(own.pid, signal.SIGKILL)
            raise


_load: Load


def _begin(address: Address, file: Path, known: Sequence[Person], pace: float | None, room: Event) -> None:
    global _load  # a process has one, and a pool hands it over in no other way
    _load = Load(address, file, known, pace, room)


def _pour(seconds: float) -> Asked:
    return uvloop.run(_load.pour(seconds))
