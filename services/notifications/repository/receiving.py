"""The SQL of receipts: messages under a lock, and how far they have come."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.notifications.domain.receipts import Sent
from services.notifications.domain.sending import Channel, Contact
from services.notifications.repository.messages import SPEAKS_OF, Message
from shared.messaging import Transaction

LOCK = f"""
SELECT m.id, m.case_id, m.person_id, m.appointment_id, {SPEAKS_OF} AS version, m.purpose, m.traceparent, m.state, m.channel,
    m.given_up, m.gateway_id IS NOT NULL AS named, (SELECT channels FROM contacts c WHERE c.person_id = m.person_id) AS channels
FROM messages m
LEFT JOIN LATERAL (SELECT * FROM appointments a WHERE a.appointment_id = m.appointment_id OFFSET 0) a ON true
WHERE m.id = ANY ($1) ORDER BY m.id FOR UPDATE OF m
"""

# Whoever is still sending it has lost it: what they record later is about a message that is not theirs any more.
SAVE = """
UPDATE messages m SET state = r.state, channel = r.channel, reason = r.reason, claim = NULL, tried_by = NULL,
    given_up = CASE WHEN r.state = 'planned' THEN m.given_up || r.channel ELSE m.given_up END,
    tries = CASE WHEN r.state = 'planned' THEN 0 ELSE m.tries END,
    next_at = CASE WHEN r.state = 'planned' THEN $5 ELSE m.next_at END,
    settled_at = CASE WHEN r.state = 'planned' THEN NULL ELSE $5 END
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS r(id, state, channel, reason)
WHERE m.id = r.id
"""

# An answer names the message so, and may come before whoever sent it writes that down, or after they are gone.
NAME = """
UPDATE messages m SET gateway_id = r.gateway_id FROM unnest($1::uuid[], $2::text[]) AS r(id, gateway_id)
WHERE m.id = r.id AND m.gateway_id IS NULL
"""

# Their stop is looked at under the lock of a message of theirs, so that an answer that comes twice is one.
READERS = """
SELECT DISTINCT ON (m.person_id) m.person_id, m.case_id, m.channel FROM (
    SELECT * FROM messages WHERE gateway_id = ANY ($1) ORDER BY id FOR UPDATE
) m WHERE NOT EXISTS (SELECT FROM stops s WHERE s.person_id = m.person_id AND s.stopped)
ORDER BY m.person_id, m.id DESC
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """A message under our lock; `named`: it is known what its gateway calls it."""

    message: Message
    sent: Sent
    named: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """How a message stands after its receipt; `planned`: it goes on by the next channel."""

    id: UUID
    state: str
    channel: str
    reason: str | None = None


async def lock(tx: Transaction, ids: Collection[UUID], offered: Collection[str]) -> dict[UUID, Standing]:
    """Those that are messages of ours."""
    rows = await tx.connection.fetch(LOCK, list(ids))
    return {
        row["id"]: Standing(
            Message(
                row["id"], row["case_id"], row["person_id"], row["appointment_id"], row["version"],
                row["purpose"], row["traceparent"],
            ),
            Sent(row["state"], row["channel"], row["given_up"], _ways(row["channels"], offered)),
            row["named"],
        )
        for row in rows
    }  # fmt: skip


async def unstopped_readers(
    tx: Transaction, gateway_ids: Collection[str]
) -> list[tuple[UUID, UUID, Channel]]:
    """Who got these messages, of which case and by which channel, and may be written to still."""
    if not gateway_ids:
        return []
    rows = await tx.connection.fetch(READERS, list(gateway_ids))
    return [(row["person_id"], row["case_id"], row["channel"]) for row in rows]


async def save(tx: Transaction, moved: Sequence[Moved]) -> None:
    """What receipts changed."""
    if moved:
        await tx.connection.execute(
            SAVE,
            [one.id for one in moved],
            [one.state for one in moved],
            [one.channel for one in moved],
            [one.reason for one in moved],
            tx.now,
        )


async def name(tx: Transaction, called: Sequence[tuple[UUID, str]]) -> None:
    """What gateways call these messages."""
    if called:
        await tx.connection.execute(NAME, [one for one, _ in called], [one for _, one in called])


def _ways(channels: Sequence[str] | None, offered: Collection[str]) -> Contact | None:
    """Only the ways, for a receipt asks nothing else; windows and addresses are looked at when it is sent."""
    allowed = [channel for channel in channels or () if channel in offered]
    return Contact(allowed, (), "", None, has_address=False)  # type: ignore[arg-type]  # offered are Channels
