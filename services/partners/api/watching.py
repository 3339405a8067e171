"""Waiting for news of organisations: one look for all who wait in this process together, and only while one does."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from shared.messaging.failures import describe, is_transient
from shared.web import Problem

EVERY_SECONDS = 0.25
MOST_WAITING = 200

log = logging.getLogger(__name__)

# The last position of each of these organisations.
LookAtAll = Callable[[Sequence[str]], Awaitable[Mapping[str, int]]]


class Watch:
    """One per process. While its loop does not run nobody is kept waiting."""

    def __init__(
        self, look: LookAtAll, *, most: int = MOST_WAITING, every_seconds: float = EVERY_SECONDS
    ) -> None:
        self.name = "watch"
        self._look = look
        self._most = most
        self._every_seconds = every_seconds
        self._waiting: dict[str, list[tuple[int, asyncio.Event]]] = {}
        self._runs = False
        self._waits_for: str | None = None

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(map(len, self._waiting.values()))

    async def past(self, organisation: str, position: int, seconds: float) -> None:
        """Returns when the organisation has been told more than that, after so many seconds, or at the end of the
        process. Raises Problem 503 when too many wait."""
        if not self._runs:
            return
        if self.waiting >= self._most:
            raise Problem(503, "too_many_wait", "Please ask again later.", headers={"retry-after": "10"})
        news = asyncio.Event()
        entry = (position, news)
        self._waiting.setdefault(organisation, []).append(entry)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await news.wait()
        finally:
            self._waiting[organisation].remove(entry)
            if not self._waiting[organisation]:
                del self._waiting[organisation]

    async def run(self, stop: asyncio.Event) -> None:
        """Looks until told to stop; then nobody waits any longer."""
        self._runs = True
        try:
            while not stop.is_set():
                if self._waiting:
                    await self._look_once()
                else:
                    self._waits_for = None  # nothing is asked, so nothing is waited for
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), self._every_seconds)
        finally:
            self._runs = False
            for _, news in (entry for entries in self._waiting.values() for entry in entries):
                news.set()

    async def _look_once(self) -> None:
        try:
            reached = await self._look(list(self._waiting))
        except Exception as failure:
            log.error("cannot look for news: %s", describe(failure))
            self._waits_for = "database" if is_transient(failure) else None
            return
        self._waits_for = None
        for organisation, entries in self._waiting.items():
            for position, news in entries:
                if reached.get(organisation, 0) > position:
                    news.set()

    def ready(self) -> str | None:
        return self._waits_for

    def metrics(self) -> dict[str, float]:
        return {"feed_waiting": float(self.waiting)}
