"""What an operator does about a dead letter: apply it again with all that is parked behind it, or let it go."""

import traceback
from collections.abc import Sequence
from uuid import UUID

import asyncpg

from shared.messaging import dead_letters, inbox
from shared.messaging.admission import Policy
from shared.messaging.apply import Reader, apply_events
from shared.messaging.dead_letters import Parked
from shared.messaging.failures import describe, is_transient
from shared.messaging.incoming import as_failed, from_parked
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
    letter = await _lock(tx, reader, letter_id)
    if letter["event_id"] is None:
        raise NotOpen(str(letter_id))
    async with tx.savepoint():
        await apply_events(tx, reader, [from_parked(_as_parked(letter), reader.types)])
    await tx.connection.execute(SETTLE, letter_id, "redriven", by, reason)
    return 1 + await _take_up(tx, reader, letter)


async def discard(tx: Transaction, reader: Reader, letter_id: UUID, by: str, reason: str | None) -> int:
    """Lets the dead letter go (it is kept, with the reason) and applies what is parked behind it."""
    letter = await _lock(tx, reader, letter_id)
    await tx.connection.execute(SETTLE, letter_id, "discarded", by, reason)
    # What never was an event has blocked nothing: a block on its key is another letter's.
    return await _take_up(tx, reader, letter) if letter["event_id"] else 0


async def _lock(tx: Transaction, reader: Reader, letter_id: UUID) -> asyncpg.Record:
    letter = await tx.connection.fetchrow(LOCK, letter_id, reader.group)
    if letter is None:
        raise NotOpen(str(letter_id))
    await tx.connection.execute(LOCK_BLOCK, reader.group, letter["topic"], letter["key"])
    return letter


async def _take_up(tx: Transaction, reader: Reader, letter: asyncpg.Record) -> int:
    """Applies what is parked, up to the first that cannot be applied, which is the next dead letter, or up to a gap."""
    stream, connection = (letter["topic"], letter["key"]), tx.connection
    parked = await dead_letters.take_parked(connection, reader.group, [stream])
    due, early = _in_order(parked, letter["sequence"], reader.policy)
    applied = 0
    for event in due:
        try:
            async with tx.savepoint():
                await apply_events(tx, reader, [from_parked(event, reader.types)])
        except Exception as failure:
            if is_transient(failure):
                raise
            await dead_letters.bury(connection, tx.new_id(), reader.group, _as_failed(event, failure))
            break
        applied += 1
    rest = [*due[applied + 1 :], *early]
    await dead_letters.park(connection, reader.group, rest)
    waits_for = "dead" if applied < len(due) else "gap" if early else None
    if waits_for:
        await dead_letters.stay(connection, reader.group, stream, waits_for)
    else:
        await dead_letters.lift(connection, reader.group, [stream])
    if due:
        await inbox.reached(connection, reader.group, {stream: due[min(applied, len(due) - 1)].sequence})
    return applied


def _in_order(
    parked: Sequence[Parked], reached: int | None, policy: Policy
) -> tuple[Sequence[Parked], Sequence[Parked]]:
    """What follows without a gap, and the rest. A compacted topic has gaps."""
    for place, event in enumerate(parked):
        if event.topic not in policy.compacted and reached is not None and event.sequence != reached + 1:
            return parked[:place], parked[place:]
        reached = event.sequence
    return parked, ()


def _as_failed(event: Parked, failure: Exception) -> dead_letters.Failed:
    stack = "".join(traceback.format_tb(failure.__traceback__))  # frames only, as the consumer writes them
    return as_failed(from_parked(event, {}), describe(failure), stack)


def _as_parked(letter: asyncpg.Record) -> Parked:
    return Parked(**{name: value for name, value in letter.items() if name != "id"})
