"""How far the system has come with its first answers, and how many wait for theirs."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import asyncpg

from shared.messaging import Transaction

# Another worker that is noting it does as well; to wait for it, with cases locked that it wants next, would close a circle.
SAVE = """
UPDATE pace SET answered = $1, at = now() WHERE singleton = (SELECT singleton FROM pace FOR UPDATE SKIP LOCKED)
"""

# What nobody answers any more is counted by nobody: then it is not a crowd but an outage, and people are let in.
# Nor is more than MOST counted, which is far more than is let in.
LOOK = """
SELECT answered,
    (SELECT count(*) FROM (SELECT FROM cases WHERE case_id > answered AND gate = 'open' LIMIT $3) AS after),
    (SELECT count(*) FROM (SELECT FROM cases WHERE case_id > $1 AND case_id <= answered AND gate = 'open' LIMIT $3) AS since)
FROM pace WHERE at > now() - $2::interval
"""
MOST = 200_000

# Two looks into an index instead of a count: nobody takes rows out from the middle but other shards' relays, so that it may
# tell too much for a moment and never too little.
TO_BE_SENT = "SELECT coalesce(max(id) - min(id) + 1, 0)::bigint FROM outbox WHERE lane = 'routine'"


@dataclass(frozen=True, slots=True)
class Pace:
    """`answered` is the case to which it has come, `waiting` how many came after it, `answered_since` how many were answered after
    the case that was named before."""

    answered: UUID
    waiting: int
    answered_since: int


async def save(tx: Transaction, answered: UUID | None) -> None:
    """That it has come to this case now, unless another says so at this moment."""
    if answered is not None:
        await tx.connection.execute(SAVE, answered)


async def look(pool: asyncpg.Pool, earlier: UUID | None, fresh: timedelta) -> Pace | None:
    """None when nobody was answered for so long; nothing is counted since a case that is not known yet."""
    row = await pool.fetchrow(LOOK, earlier, fresh, MOST)
    return Pace(*row) if row else None


async def to_be_sent(pool: asyncpg.Pool) -> int:
    """How many events of the routine lane wait for the broker, about."""
    waiting: int = await pool.fetchval(TO_BE_SENT)
    return waiting
