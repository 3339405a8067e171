"""Whether a fault hit work: what was in flight when it began, and when whoever it hit went on afterwards.

A fault counts only if something was in flight: a transaction of whoever was hit was open, an event they send was not
acknowledged (its outbox row is there), or a message was out without an answer (it stands as `sending`).
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import asyncpg

from shared.messaging.failures import TROUBLE
from tests.faults.subjects import SUBJECTS, WAY, of_service
from tests.faults.system import System, everywhere

LOOK_SECONDS, PATIENCE = 0.01, 3.0
RECOVERS_WITHIN = 60.0
IDLE_SECONDS = 3.0  # who is ready and has had nothing to do for so long is well again

OPEN = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = ANY ($1)
    AND state IN ('active', 'idle in transaction')
"""
OUTBOX = "SELECT count(*) FROM {schema}.outbox"
SENDING = "SELECT count(*) FROM notifications.messages WHERE state = 'sending'"
MOVED = "SELECT DISTINCT grp FROM {schema}.offsets WHERE moved_at > to_timestamp(AFTER)"


@dataclass(frozen=True, slots=True)
class Hit:
    """Who is hit by a fault: processes by name, and what of them counts: open transactions, what they say and send."""

    processes: tuple[str, ...]
    transactions: bool = True
    outbox: bool = False
    sending: bool = False

    @classmethod
    def process(cls, name: str) -> "Hit":
        one = SUBJECTS[name]
        return cls((name,), outbox=one.relays, sending=one.sends)

    @classmethod
    def service(cls, name: str) -> "Hit":
        """All processes of a service; everybody's for *."""
        names = tuple(one.name for one in SUBJECTS.values() if name in ("*", one.schema))
        return cls(names, outbox=True, sending=name in ("*", "notifications"))

    @classmethod
    def everybody(cls) -> "Hit":
        return cls.service("*")

    @classmethod
    def gateways(cls) -> "Hit":
        """Whoever sends messages to people; only a message that is out counts."""
        return cls(("notifications-sender",), transactions=False, sending=True)


@dataclass(frozen=True, slots=True)
class Flight:
    """What was in flight: open transactions, events not sent, messages without an answer."""

    transactions: int = 0
    outbox: int = 0
    sending: int = 0

    def __bool__(self) -> bool:
        return any((self.transactions, self.outbox, self.sending))


async def look(connection: asyncpg.Connection, hit: Hit) -> Flight:
    """What is in flight now."""
    subjects = [SUBJECTS[name] for name in hit.processes]
    names = [one.application for one in subjects if hit.transactions]
    transactions = await connection.fetchval(OPEN, names)
    outbox = 0
    if hit.outbox:
        schemas = sorted({one.schema for one in subjects} - {"vault"})
        outbox = sum([await connection.fetchval(OUTBOX.format(schema=schema)) for schema in schemas])
    sending = await connection.fetchval(SENDING) if hit.sending else 0
    return Flight(transactions, outbox, sending)


async def in_flight(system: System, hit: Hit) -> Flight:
    """Waits a little until something is: the moment a fault waits for. Empty where nothing came."""
    until = time.monotonic() + PATIENCE
    async with system.admin() as connection:
        while not (found := await look(connection, hit)) and time.monotonic() < until:
            await asyncio.sleep(LOOK_SECONDS)
    return found


def who_goes_on(hit: Hit) -> tuple[str, ...]:
    """Whose progress tells that a fault is over: of those who were hit, or of everybody who is on a case's way."""
    if len(hit.processes) == 1:
        return hit.processes
    return tuple(name for name in WAY if name in hit.processes) or hit.processes[:1]


async def recovered(
    system: System, names: Sequence[str], *, clock: Callable[[], float] = time.monotonic
) -> float | None:
    """Seconds until each of these has applied something that came after now, or, where nothing comes or it reads
    nothing, is ready; None where that did not happen in a minute."""
    began, since = clock(), time.time()
    left = set(names)
    ready: dict[str, float] = {}
    last = 0.0
    while left and clock() - began < RECOVERS_WITHIN:
        moved = await _moved(system, since)
        for name in sorted(left):
            groups = SUBJECTS[name].groups
            if groups and moved.issuperset(groups):
                left.discard(name)
                last = max(last, clock() - began)
            elif name not in ready and await system.is_ready(name):
                ready[name] = clock() - began
            if (
                name in left
                and name in ready
                and (not groups or clock() - began > ready[name] + IDLE_SECONDS)
            ):
                left.discard(name)
                last = max(last, ready[name])
        await asyncio.sleep(0.05)
    return None if left else round(last, 2)


async def _moved(system: System, since: float) -> set[str]:
    """The groups that have moved an offset after that Unix time; none while the database is away."""
    try:
        async with asyncio.timeout(1), system.admin() as connection:
            return {
                row["grp"]
                for row in await everywhere(connection, "offsets", MOVED.replace("AFTER", repr(since)))
            }
    except TROUBLE:
        return set()


def hit_of_table(table: str) -> Hit:
    """Whoever writes `schema.table`."""
    names = of_service(table.partition(".")[0])
    return Hit(names, outbox=True)
