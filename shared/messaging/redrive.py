"""What an operator does about a dead letter: apply it again with all that is parked behind it, or let it go."""

from uuid import UUID

import asyncpg

from shared.messaging import dead_letters
from shared.messaging.apply import Reader, apply_events
from shared.messaging.dead_letters import Parked
from shared.messaging.incoming import from_parked
from shared.messaging.transaction import Transaction

LOCK = """
SELECT id, topic, key, sequence, event_id, type, at, traceparent, payload FROM dead_letters
WHERE id = $1 AND grp = $2 AND state = 'open' FOR UPDATE
"""
# The consumer locks the block before it parks: so nothing is parked behind a block that is being lifted.
LOCK_BLOCK = "SELECT 1 FROM blocks WHERE grp = $1 AND topic = $2 AND key = $3 FOR UPDATE"
SETTLE = """
UPDATE dead_letters SET state = $2, settled_at = clock_timestamp(), settled_by = $3, reason = $4 WHERE id = $1
"""


class NotOpen(Exception):
    """There is no open dead letter of this group with that id, or it never was an event."""


async def redrive(tx: Transaction, reader: Reader, letter_id: UUID, by: str, reason: str | None) -> int:
    """Applies the dead letter and, in order, what is parked behind it; returns how many events."""
    return await _settle(tx, reader, letter_id, by, reason, state="redriven")


async def discard(tx: Transaction, reader: Reader, letter_id: UUID, by: str, reason: str | None) -> int:
    """Lets the dead letter go (it is kept, with the reason) and applies what is parked behind it."""
    return await _settle(tx, reader, letter_id, by, reason, state="discarded")


async def _settle(
    tx: Transaction, reader: Reader, letter_id: UUID, by: str, reason: str | None, *, state: str
) -> int:
    letter = await tx.connection.fetchrow(LOCK, letter_id, reader.group)
    if letter is None or (state == "redriven" and letter["event_id"] is None):
        raise NotOpen(str(letter_id))
    stream = (letter["topic"], letter["key"])
    await tx.connection.execute(LOCK_BLOCK, reader.group, *stream)
    events = [_as_parked(letter)] if state == "redriven" else []
    events += await dead_letters.take_parked(tx.connection, reader.group, [stream])
    await apply_events(tx, reader, [from_parked(event, reader.types) for event in events])
    await dead_letters.lift(tx.connection, reader.group, [stream])
    await tx.connection.execute(SETTLE, letter_id, state, by, reason)
    return len(events)


def _as_parked(letter: asyncpg.Record) -> Parked:
    return Parked(**{name: value for name, value in letter.items() if name != "id"})
