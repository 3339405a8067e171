"""What stands still and does not go on by itself: halted partitions are kept as rows, for those who keep a list of what humans
must do; and how long the oldest event has waited for a fact is counted.

Whoever is stopped may not be able to say so in a transaction of its own work, hence a loop beside it. A row goes when
whoever owns the partition then reads it again, in whatever process that is.
"""

import asyncio
import contextlib
import time
from collections.abc import Sequence

from shared.messaging import waiting
from shared.messaging.consumer import Consumer
from shared.messaging.failures import TROUBLE
from shared.messaging.transaction import Database
from shared.resting import rest

LOOK_SECONDS = 2.0

KEEP = """
INSERT INTO halts (grp, topic, partition, why)
SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::text[]) AS h(grp, topic, partition, why) ORDER BY 1, 2, 3
ON CONFLICT (grp, topic, partition) DO UPDATE SET why = excluded.why WHERE halts.why <> excluded.why
"""
# Nearly always there is no row at all, which is seen without a look at what is read.
LOOK = f"SELECT EXISTS (SELECT FROM halts) AS halted, ({waiting.OLDEST}) AS waits_since"
GONE_ON = """
DELETE FROM halts h USING unnest($1::text[], $2::text[], $3::int[]) AS r(grp, topic, partition)
WHERE (h.grp, h.topic, h.partition) = (r.grp, r.topic, r.partition)
"""


class Standstill:
    """A loop that looks at this process's consumers every two seconds."""

    def __init__(self, database: Database, consumers: Sequence[Consumer]) -> None:
        self.name = "standstill"
        self._database = database
        self._consumers = consumers
        self._waits_since: float | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Until told to stop; while the database is away what was seen last stands."""
        while not stop.is_set():
            with contextlib.suppress(*TROUBLE):
                await self.look()
            await rest(stop, LOOK_SECONDS)

    async def look(self) -> None:
        """Keeps what is halted now, and forgets what is read again."""
        pool = self._database.pool
        halted = [(one.group, *place, why) for one in self._consumers for place, why in one.halted().items()]
        if halted:
            await pool.execute(KEEP, *zip(*halted, strict=True))
        seen = await pool.fetchrow(LOOK)
        if seen["halted"] and (read := self._read()):
            await pool.execute(GONE_ON, *zip(*read, strict=True))
        self._waits_since = seen["waits_since"]

    def _read(self) -> list[tuple[str, str, int]]:
        return [(one.group, *place) for one in self._consumers for place in one.read()]

    def ready(self) -> str | None:
        return None

    def metrics(self) -> dict[str, float]:
        age = max(0.0, time.time() - self._waits_since) if self._waits_since else 0.0
        return {"waiting_oldest_seconds": age}
