"""How often one client may ask: everybody has so many turns, which come back with time. Each process counts by itself.

It is for clients that are known by a key. Whoever is known by an address alone is not counted: behind one address there
may be a whole city (carriers share them).
"""

import math
import time
from collections.abc import Callable

from shared.web.problems import Problem

MOST_CLIENTS = 10_000


class Rates:
    """`burst` turns at once, and `per_second` more as time goes on."""

    def __init__(self, burst: int, per_second: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst = float(burst)
        self._per_second = per_second
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}

    def admit(self, client: str) -> None:
        """Takes one of the client's turns. Raises Problem 429, which says when there will be one."""
        now = self._clock()
        left = self._now(client, now)
        if left < 1:
            seconds = math.ceil((1 - left) / self._per_second)
            headers = {"retry-after": str(seconds)}
            raise Problem(429, "too_many_requests", "Please ask less often.", headers=headers)
        if len(self._left) >= MOST_CLIENTS and client not in self._left:
            self._forget(now)
        self._left[client] = (left - 1, now)

    def _now(self, client: str, now: float) -> float:
        left, at = self._left.get(client, (self._burst, now))
        return min(self._burst, left + (now - at) * self._per_second)

    def _forget(self, now: float) -> None:
        """Whoever has all turns again is as one who never came."""
        self._left = {one: self._left[one] for one in self._left if self._now(one, now) < self._burst}
