"""What is refused when more comes than can be done: files first, then looking how a case stands, then single posts.

What waits for a transaction: files give way in `bulk/turns.py`, earlier than this; posts in `shared/web/batching.py`, far
later. What waits for the broker or for a first answer: `backlog.py`. What belongs to a
crisis, taking a request back and the duty desk are in no count here.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

from services.intake.api.together import Together
from shared.web import Problem

# So many that wait are a second or more of work: whoever asks comes first, and whoever looks can look again.
CROWD = 1000
RETRY_SECONDS = 2
V = TypeVar("V")


class Reads(Generic[V]):
    """Looking at one case by its code, for whoever may be asked to come again; `posts_waiting` tells how many
    requests for care wait for their transaction, `admit` raises Problem 503 while too many wait for their first answer."""

    def __init__(
        self,
        look: Together[str, V | None],
        posts_waiting: Callable[[], int],
        admit: Callable[[], None],
    ) -> None:
        self._look = look
        self._posts_waiting = posts_waiting
        self._admit = admit

    def admit(self) -> None:
        """Raises Problem 503 while too much waits: before anything is read or asked of the database."""
        self._admit()
        if max(self._posts_waiting(), self._look.waiting) > CROWD:
            detail = "Too many ask at this moment; please look again shortly."
            headers = {"retry-after": str(RETRY_SECONDS)}
            raise Problem(503, "overloaded", detail, headers=headers)

    async def __call__(self, code: str) -> V | None:
        self.admit()
        return await self._look(code)
