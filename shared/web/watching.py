"""Waiting for news: one look for all who wait in this process together, and only while somebody does.

No watcher has a query, a connection or a transaction of its own: a watcher costs memory, and the database one question
each time for all that are watched. What is watched has a key, and news that are numbered: a higher number is newer.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from shared.resting import rest
from shared.web.problems import Problem

EVERY_SECONDS = 0.4
MOST_WATCHERS = 1000
REST = 9  # looking takes a tenth of the time at most, however slow the database is

log = logging.getLogger(__name__)

News = TypeVar("News")
# The newest of each of these keys; what is not there any more is left out.
LookAtAll = Callable[[Sequence[str]], Awaitable[Mapping[str, News]]]


class Watcher(Generic[News]):
    """One who waits for news of one key; `news` is the newest that was seen."""

    def __init__(self, news: News, number_of: Callable[[News], int], *, told_no_more: bool) -> None:
        self.news = news
        self.told_no_more = told_no_more
        self._number_of = number_of
        self._told = asyncio.Event()

    async def newer(self, than: int, seconds: float) -> News | None:
        """The news as soon as their number is greater; None after so many seconds, or when nothing will be told."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.number <= than and not self.told_no_more:
                    self._told.clear()
                    await self._told.wait()
        return self.news if self.number > than else None

    @property
    def number(self) -> int:
        """That of the newest."""
        return self._number_of(self.news)

    def tell(self, news: News) -> None:
        """How it stands now."""
        self.news = news
        self._told.set()

    def end(self) -> None:
        """Nothing will be told any more."""
        self.told_no_more = True
        self._told.set()


class Watch(Generic[News]):
    """One per process. While its loop does not run, whoever watches is told what is and sent away. `passes` knows the
    failures that pass by themselves, as when a database is away: then it is not ready."""

    def __init__(
        self,
        look: LookAtAll[News],
        number_of: Callable[[News], int],
        *,
        passes: Callable[[BaseException], bool],
        most: int = MOST_WATCHERS,
        every_seconds: float = EVERY_SECONDS,
    ) -> None:
        self.name = "watch"
        self._passes = passes
        self._look = look
        self._number_of = number_of
        self._most = most
        self._every_seconds = every_seconds
        self._watchers: dict[str, set[Watcher[News]]] = {}
        self._count = 0
        self._runs = False
        self._looks = 0
        self._waits_for: str | None = None

    @contextlib.contextmanager
    def watching(self, key: str, seen: News) -> Iterator[Watcher[News]]:
        """Somebody who has `seen` this watches. Raises Problem 503 when too many do."""
        if self._count >= self._most:
            raise Problem(503, "too_many_watch", "Please ask again later.", headers={"retry-after": "10"})
        watcher = Watcher(seen, self._number_of, told_no_more=not self._runs)
        self._watchers.setdefault(key, set()).add(watcher)
        self._count += 1
        try:
            yield watcher
        finally:
            self._count -= 1
            self._watchers[key].discard(watcher)
            if not self._watchers[key]:
                del self._watchers[key]

    async def run(self, stop: asyncio.Event) -> None:
        """Looks until told to stop; then everybody is sent away at once."""
        self._runs = True
        try:
            while not stop.is_set():
                began = time.monotonic()
                if self._watchers:
                    await self._look_once()
                else:
                    self._waits_for = None  # nothing is asked, so nothing is waited for
                took = time.monotonic() - began
                await rest(stop, max(self._every_seconds, took * REST))
        finally:
            self._runs = False
            for watcher in self._everybody():
                watcher.end()

    async def _look_once(self) -> None:
        try:
            found = await self._look(list(self._watchers))
        except Exception as failure:
            # Whatever it is: those who watch are told late, but nobody who asks for more than news loses this process.
            log.error("cannot look for news: %s", type(failure).__name__)
            self._waits_for = "database" if self._passes(failure) else None
            return
        self._waits_for = None
        self._looks += 1
        for key, news in found.items():
            for watcher in self._watchers.get(key, ()):
                if watcher.number != self._number_of(news):
                    watcher.tell(news)

    def _everybody(self) -> list[Watcher[News]]:
        return [watcher for watchers in self._watchers.values() for watcher in watchers]

    def ready(self) -> str | None:
        return self._waits_for

    def metrics(self) -> dict[str, float]:
        return {"watchers": self._count, "watch_looks_total": self._looks}
