"""The SQL of the messages to staff: what is due is gathered into them, looked at again, and settled."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notifications.domain.staff import Hour
from shared.messaging import Transaction

# Asked every second, mostly for nothing: one statement, with the time in it.
ANYTHING = """
SELECT EXISTS (SELECT FROM staff_news WHERE state = 'waiting' AND due_at <= coalesce($1, now()))
    OR EXISTS (SELECT FROM staff_messages WHERE state = 'sending' AND next_at <= coalesce($1, now()))
"""

# What is parked may have made it untrue: then it waits, as people's messages do. Of whoever is told of one of the first rows
# all that is due is taken: the limit cuts between two recipients, not one message in two.
DUE = """
WITH ready AS (
    SELECT case_id, appointment_id, recipient_id, version, due_at FROM staff_news n
    WHERE state = 'waiting' AND due_at <= $1
        AND NOT EXISTS (SELECT FROM blocks b WHERE b.grp = 'notifications' AND b.key = n.case_id::text)
), told AS (
    SELECT recipient_id FROM (SELECT recipient_id FROM ready ORDER BY due_at, recipient_id LIMIT $2) AS first GROUP BY 1
)
SELECT n.case_id, n.appointment_id, n.recipient_id, n.version, n.purpose, n.near, coalesce(n.gone_from, a.start) AS start
FROM told JOIN ready USING (recipient_id) JOIN staff_news n USING (case_id, appointment_id, recipient_id, version)
LEFT JOIN LATERAL (SELECT * FROM appointments a WHERE a.appointment_id = n.appointment_id OFFSET 0) a ON true
WHERE n.state = 'waiting'
ORDER BY n.due_at, n.recipient_id FOR UPDATE OF n SKIP LOCKED
"""

PUT_OFF = """
UPDATE staff_news n SET due_at = o.due_at
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::timestamptz[])
    AS o(case_id, appointment_id, recipient_id, version, due_at)
WHERE n.case_id = o.case_id AND n.appointment_id = o.appointment_id AND n.recipient_id = o.recipient_id
    AND n.version = o.version
"""

ADD_MESSAGES = """
INSERT INTO staff_messages (id, recipient_id, purpose, next_at, gathered_at)
SELECT id, recipient_id, purpose, $4, $4 FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS m(id, recipient_id, purpose)
"""

GATHER = """
UPDATE staff_news n SET state = 'gathered', message_id = g.message_id
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::uuid[])
    AS g(case_id, appointment_id, recipient_id, version, message_id)
WHERE n.case_id = g.case_id AND n.appointment_id = g.appointment_id AND n.recipient_id = g.recipient_id
    AND n.version = g.version
"""

# Whoever dies with it in hand may have sent it: it is put down as such until we know better.
CLAIM = """
WITH picked AS (
    SELECT id, may_have_left FROM staff_messages WHERE state = 'sending' AND next_at <= $1
    ORDER BY next_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
UPDATE staff_messages m SET next_at = $1 + make_interval(secs => $3), may_have_left = true
FROM picked WHERE m.id = picked.id
RETURNING m.id, m.recipient_id, m.purpose, m.tries, picked.may_have_left
"""

# OFFSET 0 keeps the look-ups look-ups, as in sending. `l` is the newest word to the same recipient, `e` their last word before
# of a new hour, without those that told them nothing because they knew; desks go by the id of their site.
HOURS = """
SELECT n.message_id, n.case_id, n.appointment_id, n.version,
    CASE WHEN n.gone_from IS NOT NULL OR l.gone THEN 'gone' ELSE a.state END AS state,
    coalesce(n.gone_from, a.start) AS start, a.time_zone,
    CASE WHEN n.gone_from IS NULL THEN a.modality ELSE 'in_person' END AS modality, s.city,
    l.gone IS NOT NULL AS superseded, coalesce(e.unheard, false) AS unheard, n.near
FROM staff_news n
JOIN LATERAL (SELECT * FROM appointments a WHERE a.appointment_id = n.appointment_id OFFSET 0) a ON true
LEFT JOIN LATERAL (
    SELECT * FROM sites s WHERE s.site_id = CASE WHEN n.gone_from IS NULL THEN a.site_id ELSE n.recipient_id END OFFSET 0
) s ON true
LEFT JOIN LATERAL (
    SELECT l.gone_from IS NOT NULL AS gone FROM staff_news l
    WHERE l.case_id = n.case_id AND l.appointment_id = n.appointment_id AND l.recipient_id = n.recipient_id
        AND l.version > n.version AND l.reason IS DISTINCT FROM 'superseded'
    ORDER BY l.version DESC LIMIT 1
) l ON true
LEFT JOIN LATERAL (
    SELECT e.state = 'skipped' AND e.reason IN ('cancelled', 'moved_away') AS unheard FROM staff_news e
    WHERE e.case_id = n.case_id AND e.appointment_id = n.appointment_id AND e.recipient_id = n.recipient_id
        AND e.version < n.version AND e.purpose = 'new_booking'
        AND (e.message_id IS NOT NULL OR e.reason IS DISTINCT FROM 'superseded')
    ORDER BY e.version DESC LIMIT 1
) e ON true
WHERE n.message_id = ANY ($1) AND n.state = 'gathered'
ORDER BY n.message_id, a.start
"""

DROP_NEWS = """
UPDATE staff_news n SET state = 'skipped', reason = d.reason, settled_at = $5
FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[]) AS d(message_id, appointment_id, version, reason)
WHERE n.message_id = d.message_id AND n.appointment_id = d.appointment_id AND n.version = d.version
    AND n.state = 'gathered'
"""

# A row in state `sending` stays open and is tried again at `next_at`; of two who sent it in turn the first is believed.
SETTLE = """
WITH settled AS (
    UPDATE staff_messages m SET state = r.state, reason = r.reason, tries = r.tries, gateway_id = r.gateway_id,
        next_at = coalesce(r.next_at, m.next_at), may_have_left = r.may_have_left,
        settled_at = CASE WHEN r.state <> 'sending' THEN $7::timestamptz END
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::text[], $6::timestamptz[],
        $8::bool[]) AS r(id, state, reason, tries, gateway_id, next_at, may_have_left)
    WHERE m.id = r.id AND m.state = 'sending'
    RETURNING m.id, m.state, m.reason
)
UPDATE staff_news n SET state = s.state, reason = s.reason, settled_at = $7
FROM settled s WHERE n.message_id = s.id AND n.state = 'gathered' AND s.state <> 'sending'
"""


@dataclass(frozen=True, slots=True)
class DueNews:
    """News whose time has come, under our lock."""

    case_id: UUID
    appointment_id: UUID
    recipient_id: UUID
    version: int
    purpose: str
    near: datetime | None
    start: datetime | None


@dataclass(frozen=True, slots=True)
class StaffMessage:
    """One message to one recipient; ours until its lease ends. `may_have_left`: an earlier try may have arrived."""

    id: UUID
    recipient_id: UUID
    purpose: str
    tries: int = 0
    may_have_left: bool = False


@dataclass(frozen=True, slots=True)
class StaffFate:
    """What becomes of a message; `next_at` and `may_have_left` only while it stays open (`sending`)."""

    id: UUID
    state: str
    tries: int
    reason: str | None = None
    gateway_id: str | None = None
    next_at: datetime | None = None
    may_have_left: bool = False


async def anything_due(tx: Transaction) -> bool:
    """Whether there may be something to gather or to send."""
    return bool(await tx.connection.fetchval(ANYTHING, tx.told))


async def due(tx: Transaction, limit: int) -> list[DueNews]:
    """Locks what is due of those whom the first `limit` news are for; what another sender holds is left to it."""
    return [DueNews(*row) for row in await tx.connection.fetch(DUE, tx.now, limit)]


async def put_off(tx: Transaction, news: Mapping[DueNews, datetime]) -> None:
    """These are due later after all."""
    if news:
        await tx.connection.execute(
            PUT_OFF,
            [one.case_id for one in news],
            [one.appointment_id for one in news],
            [one.recipient_id for one in news],
            [one.version for one in news],
            list(news.values()),
        )


async def gather(tx: Transaction, messages: Mapping[StaffMessage, Sequence[DueNews]]) -> None:
    """Each of these messages tells of its news; due at once."""
    if not messages:
        return
    await tx.connection.execute(
        ADD_MESSAGES,
        [one.id for one in messages],
        [one.recipient_id for one in messages],
        [one.purpose for one in messages],
        tx.now,
    )
    rows = [(news, message.id) for message, gathered in messages.items() for news in gathered]
    await tx.connection.execute(
        GATHER,
        [news.case_id for news, _ in rows],
        [news.appointment_id for news, _ in rows],
        [news.recipient_id for news, _ in rows],
        [news.version for news, _ in rows],
        [message_id for _, message_id in rows],
    )


async def claim(tx: Transaction, limit: int, lease_seconds: float) -> list[StaffMessage]:
    """Messages that are due; another sender may take them up when the lease has run out."""
    return [StaffMessage(*row) for row in await tx.connection.fetch(CLAIM, tx.now, limit, lease_seconds)]


async def hours(tx: Transaction, message_ids: Collection[UUID]) -> dict[UUID, list[Hour]]:
    """What each of these messages tells of, as it stands now."""
    found: dict[UUID, list[Hour]] = {message_id: [] for message_id in message_ids}
    for row in await tx.connection.fetch(HOURS, list(message_ids)):
        found[row["message_id"]].append(_hour(row))
    return found


async def drop(tx: Transaction, untrue: Iterable[tuple[UUID, Hour, str]]) -> None:
    """(message, hour, reason): these are not told any more."""
    rows = list(untrue)
    if rows:
        await tx.connection.execute(
            DROP_NEWS,
            [message_id for message_id, _, _ in rows],
            [hour.appointment_id for _, hour, _ in rows],
            [hour.version for _, hour, _ in rows],
            [reason for _, _, reason in rows],
            tx.now,
        )


async def settle(tx: Transaction, fates: Sequence[StaffFate]) -> None:
    """Records what became of messages and of the news in them."""
    if fates:
        await tx.connection.execute(
            SETTLE,
            [one.id for one in fates],
            [one.state for one in fates],
            [one.reason for one in fates],
            [one.tries for one in fates],
            [one.gateway_id for one in fates],
            [one.next_at for one in fates],
            tx.now,
            [one.may_have_left for one in fates],
        )


def _hour(row: Any) -> Hour:
    return Hour(
        row["case_id"], row["appointment_id"], row["version"], row["state"], row["start"], row["time_zone"],
        row["modality"], row["city"], row["superseded"], row["unheard"], row["near"],
    )  # fmt: skip
