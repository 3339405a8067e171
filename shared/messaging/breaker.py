"""The circuit breaker of a consumer: many dead letters in a minute mean that the handler is broken."""

import time
from collections import defaultdict, deque
from collections.abc import Callable

from shared.messaging.failures import Stopped

PER_MINUTE = 5


class Breaker:
    """Counts what is about to be buried; raises Stopped before it would be one too many."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buried: dict[str, deque[float]] = defaultdict(deque)
        self._errors_of_batch: set[tuple[str, str]] = set()

    def next_batch(self) -> None:
        """A new batch was fetched."""
        self._errors_of_batch.clear()

    def failed(self, handler: str, error: str) -> None:
        """An event of `handler`'s type failed alone twice. Raises Stopped instead of a sixth in a minute,
        or of a second one in one batch with the same error."""
        if (handler, error) in self._errors_of_batch:
            raise Stopped(f"{handler}: {error}, twice in one batch")
        recent = self._buried[handler]
        now = self._clock()
        while recent and now - recent[0] > 60:
            recent.popleft()
        if len(recent) >= PER_MINUTE:
            raise Stopped(f"{handler}: more than {PER_MINUTE} dead letters in a minute")
        recent.append(now)
        self._errors_of_batch.add((handler, error))
