"""What goes wrong besides kills: locks lost with a batch in hand, events that cannot be applied, offsets that are gone.

Each takes the run's stage, and puts right by an operator's request what an operator has to put right.
"""

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Protocol
from uuid import UUID, uuid4

import asyncpg

from tests.faults.kernel_checker import NOWHERE, Verdict

PATIENCE_SECONDS = 3.0

# A batch of a reader dawdles (witness._dawdle): its transaction is open, and nothing has been asked for a while.
IN_FLIGHT = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE '%reader%'
    AND state = 'idle in transaction' AND state_change < clock_timestamp() - interval '100 ms'
"""
CUT_THE_OWNERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()
    AND application_name LIKE 'owner:matching:consumer:reader%'
"""
# The next thing that will be said of this line cannot be applied, by anybody, until the row is gone.
POISON = """
INSERT INTO matching.poisoned (page, line, number)
SELECT page, line, number + 1 FROM intake.lines WHERE page = $1 AND line = 0 RETURNING number
"""
HEAL = "DELETE FROM matching.poisoned WHERE page = $1 AND number = $2"
OPEN = "SELECT id FROM matching.dead_letters WHERE grp = $1 AND key = $2 AND state = 'open'"
LOSE = f"""
UPDATE matching.offsets SET next = next + {NOWHERE} WHERE grp = 'reader' AND partition = $1 AND next < {NOWHERE}
RETURNING topic, next - {NOWHERE} AS next
"""
STILL_LOST = f"SELECT next >= {NOWHERE} FROM matching.offsets WHERE grp = 'reader' AND partition = $1"
ASK = """
INSERT INTO matching.operator_requests (id, grp, action, target, requested_by)
VALUES ($1, 'reader', $2, $3::text::jsonb, 'stage')
"""
ANSWERED = "SELECT state FROM matching.operator_requests WHERE id = $1 AND state <> 'asked'"


class Disturbed(Protocol):
    """A stage, as far as it concerns a disturbance."""

    database: Any
    verdict: Verdict
    refused: set[tuple[str, int, int]]


async def cut(stage: Disturbed, _chance: random.Random) -> None:
    """An owner goes on, unknowing, with the batch in its hands, while another one takes over."""
    async with _admin(stage) as admin:
        await _in_flight(admin, 1.0)
        stage.verdict.cuts += len(await admin.fetch(CUT_THE_OWNERS))


async def poison(stage: Disturbed, chance: random.Random) -> None:
    """One event fails for good; it is healed and applied again while a batch with later ones of its key is in flight."""
    page = f"page-{chance.randrange(24)}"
    async with _admin(stage) as admin:
        number = await admin.fetchval(POISON, page)
        letter = await _buried(admin, "reader", page)
        await admin.execute(HEAL, page, number)
        if letter is None:
            return
        stage.verdict.poisons += 1
        await _in_flight(admin)
        for _ in range(5):  # it waits for the batch no longer than any statement waits for a lock
            if await _asked(admin, "redrive", {"dead_letter": str(letter)}) == "done":
                return


async def ring(stage: Disturbed, chance: random.Random) -> None:
    """A bell that can never be rung; the others must not wait for it, those of its own key neither."""
    page = f"bell-{chance.randrange(6)}"
    async with _admin(stage) as admin:
        if await admin.fetchval(OPEN, "bell", page):
            return
        number = await admin.fetchval(POISON, page)
        if await _buried(admin, "bell", page):
            stage.refused.add((page, 0, number))
            stage.verdict.poisons += 1
        else:
            await admin.execute(HEAL, page, number)


async def lose(stage: Disturbed, chance: random.Random) -> None:
    """The stored offset of a partition points outside the log until an operator has looked."""
    partition = chance.randrange(4)
    async with _admin(stage) as admin:
        if lost := await admin.fetchrow(LOSE, partition):
            await asyncio.sleep(PATIENCE_SECONDS)
            stage.verdict.losses += 1
            if await admin.fetchval(STILL_LOST, partition):
                target = {"topic": lost["topic"], "partition": partition, "offset": lost["next"]}
                await _asked(admin, "move_offset", target)


DISTURBANCES: Mapping[str, Callable[[Disturbed, random.Random], Awaitable[None]]] = {
    "cut": cut,
    "poison": poison,
    "ring": ring,
    "lose": lose,
}


async def _in_flight(admin: Any, seconds: float = PATIENCE_SECONDS) -> None:
    """Until a batch dawdles; a kill may have taken it, so not for ever."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not await admin.fetchval(IN_FLIGHT):
                await asyncio.sleep(0.02)


async def _buried(admin: Any, group: str, page: str) -> UUID | None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (letter := await admin.fetchval(OPEN, group, page)) is None:
                await asyncio.sleep(0.05)
            return UUID(str(letter))
    return None


async def _asked(admin: Any, action: str, target: Mapping[str, Any]) -> str | None:
    """What the process answered, if one did: it may have been killed with the request in its hands."""
    request = uuid4()
    await admin.execute(ASK, request, action, json.dumps(target))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(2 * PATIENCE_SECONDS):
            while (state := await admin.fetchval(ANSWERED, request)) is None:
                await asyncio.sleep(0.05)
            return str(state)
    return None


@contextlib.asynccontextmanager
async def _admin(stage: Disturbed) -> AsyncIterator[Any]:
    path = {"search_path": "matching,public"}
    connection = await asyncpg.connect(stage.database.admin_dsn, server_settings=path)
    try:
        yield connection
    finally:
        await connection.close()
