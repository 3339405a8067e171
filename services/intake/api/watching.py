"""Watching how cases stand: one look for all watchers of this process together, and only while somebody watches.

No watcher has a query, a connection or a transaction of its own: a watcher costs memory, and the database one question
each time for all that are watched.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence

from services.intake.repository.standings import CaseView
from shared.messaging.failures import describe, is_transient
from shared.web import Problem

EVERY_SECONDS = 0.4
MOST_WATCHERS = 1000
REST = 9  # looking takes a tenth of the time at most, however slow the database is

log = logging.getLogger(__name__)

LookAtAll = Callable[[Sequence[str]], Awaitable[Sequence[CaseView | None]]]


class Watcher:
    """One who waits for news of one case; `view` is the newest that was seen."""

    def __init__(self, view: CaseView, *, told_no_more: bool) -> None:
        self.view = view
        self.told_no_more = told_no_more
        self._news = asyncio.Event()

    async def newer(self, than: int, seconds: float) -> CaseView | None:
        """The case as soon as its version is greater; None after so many seconds, or when nothing will be told."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.view.version <= than and not self.told_no_more:
                    self._news.clear()
                    await self._news.wait()
        return self.view if self.view.version > than else None

    def tell(self, view: CaseView) -> None:
        """The case as it stands now."""
        self.view = view
        self._news.set()

    def end(self) -> None:
        """Nothing will be told any more."""
        self.told_no_more = True
        self._news.set()


class Watch:
    """One per process. While its loop does not run, whoever watches is told what is and sent away."""

    def __init__(
        self, look: LookAtAll, *, most: int = MOST_WATCHERS, every_seconds: float = EVERY_SECONDS
    ) -> None:
        self.name = "watch"
        self._look = look
        self._most = most
        self._every_seconds = every_seconds
        self._watchers: dict[str, set[Watcher]] = {}
        self._count = 0
        self._runs = False
        self._looks = 0
        self._waits_for: str | None = None

    @contextlib.contextmanager
    def watching(self, view: CaseView) -> Iterator[Watcher]:
        """Somebody watches this case. Raises Problem 503 when too many do."""
        if self._count >= self._most:
            raise Problem(503, "too_many_watch", "Please ask again later.", headers={"retry-after": "10"})
        watcher = Watcher(view, told_no_more=not self._runs)
        self._watchers.setdefault(view.case_code, set()).add(watcher)
        self._count += 1
        try:
            yield watcher
        finally:
            self._count -= 1
            self._watchers[view.case_code].discard(watcher)
            if not self._watchers[view.case_code]:
                del self._watchers[view.case_code]

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
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), max(self._every_seconds, took * REST))
        finally:
            self._runs = False
            for watcher in self._everybody():
                watcher.end()

    async def _look_once(self) -> None:
        try:
            views = await self._look(list(self._watchers))
        except Exception as failure:
            # Whatever it is: those who watch are told late, but nobody who asks for care loses this process for it.
            log.error("cannot look at watched cases: %s", describe(failure))
            self._waits_for = "database" if is_transient(failure) else None
            return
        self._waits_for = None
        self._looks += 1
        for view in filter(None, views):
            for watcher in self._watchers.get(view.case_code, ()):
                if watcher.view.version != view.version:
                    watcher.tell(view)

    def _everybody(self) -> list[Watcher]:
        return [watcher for watchers in self._watchers.values() for watcher in watchers]

    def ready(self) -> str | None:
        return self._waits_for

    def metrics(self) -> dict[str, float]:
        return {"watchers": self._count, "watch_looks_total": self._looks}
