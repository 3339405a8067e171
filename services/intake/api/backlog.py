"""How much waits: to be sent, and for its first answer. Intake goes on accepting up to limits that are stated, and then sheds.

Without the broker, or with matching away, people are let in until `events` wait to be sent. When more is asked than can be
answered, the measure is how long whoever asks now would wait: what waits before them, divided by what was answered of late.
Files give way at a fifth of each limit, looking at half of the wait, single posts at the limit. Crisis routes, taking back
and the duty desk never ask here.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from services.intake.repository import pace
from shared.messaging import Database
from shared.messaging.failures import TROUBLE
from shared.resting import rest
from shared.web import Problem

LOOK_SECONDS = 1.0
RETRY_SECONDS = 30  # the broker is not back at once
SOON_SECONDS = 10  # a crowd is
FILES_SHARE, READS_SHARE = 0.2, 0.5
WINDOW_SECONDS = 10.0  # of late
# Before so much has been seen nobody knows how fast it goes: the first answers come later than the first who ask.
ENOUGH_SECONDS = 9.0
FRESH = timedelta(seconds=15)
# So few that wait are no crowd, however slowly they are answered: some stages work in batches, and rest between them.
CROWD = 1000
HOLD_SECONDS, MOST_HELD = 0.5, 1000


@dataclass(frozen=True, slots=True)
class Limits:
    """`events` that may wait for the broker (a request for care says two or three), and for how many `seconds` somebody who
    asks may have to wait for the first answer."""

    events: int
    seconds: float


class Backlog:
    """A loop that looks once a second."""

    name = "backlog"

    def __init__(
        self, database: Database, limits: Limits, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self.limits = limits
        self._clock = clock
        self._events = 0
        self._held = 0
        self._seconds = 0.0
        self._seen: deque[tuple[float, UUID]] = deque()  # when, and to which case they had come

    async def run(self, stop: asyncio.Event) -> None:
        """Until told to stop; while the database is away what was seen last stands."""
        while not stop.is_set():
            with contextlib.suppress(*TROUBLE):
                await self.look()
            await rest(stop, LOOK_SECONDS)

    async def look(self) -> None:
        """Sees how much waits now."""
        self._events = await pace.to_be_sent(self._database.pool)
        self._seconds = await self._wait()

    async def _wait(self) -> float:
        """For how long whoever asks now will wait; 0 while nothing tells of a crowd."""
        now = self._clock()
        while len(self._seen) > 1 and self._seen[1][0] <= now - WINDOW_SECONDS:
            self._seen.popleft()
        at, earlier = self._seen[0] if self._seen else (now, None)
        found = await pace.look(self._database.pool, earlier, FRESH)
        if found is None:
            self._seen.clear()
            return 0.0
        self._seen.append((now, found.answered))
        if found.waiting <= CROWD or not found.answered_since or now - at < ENOUGH_SECONDS:
            return 0.0
        return found.waiting * (now - at) / found.answered_since

    async def let_file_in(self) -> None:
        """Raises Problem 503 while too much waits for files to be taken in."""
        await self._let_in(FILES_SHARE)

    def admit_read(self) -> None:
        """Raises Problem 503 while so many wait for their first answer that looking costs theirs."""
        if self._seconds > self.limits.seconds * READS_SHARE:
            raise _overloaded(SOON_SECONDS)

    async def let_post_in(self) -> None:
        """Raises Problem 503 while too much waits for anything that can come again."""
        await self._let_in(1.0)

    async def _let_in(self, share: float) -> None:
        if self._events > self.limits.events * share:
            raise _overloaded(RETRY_SECONDS)
        if self._seconds > self.limits.seconds * share:
            await self._hold()
            raise _overloaded(SOON_SECONDS)

    async def _hold(self) -> None:
        """Who does not read when to come again comes at once; whoever is answered later comes less often."""
        if self._held < MOST_HELD:
            self._held += 1
            try:
                await asyncio.sleep(HOLD_SECONDS)
            finally:
                self._held -= 1

    def ready(self) -> str | None:
        return None

    def metrics(self) -> dict[str, float]:
        return {"backlog_events": float(self._events), "backlog_seconds": self._seconds}


def _overloaded(retry_seconds: int) -> Problem:
    detail = "What was asked before has not been passed on yet; please send this again later."
    return Problem(503, "overloaded", detail, headers={"retry-after": str(retry_seconds)})
