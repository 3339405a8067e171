"""The SQL of the sender: claims what is due with everything that decides its fate, and records the fate."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.notifications.domain.composing import Occasion
from services.notifications.domain.sending import AFTER_THE_END, INVITING, Channel, Contact, Due, Subject
from services.notifications.domain.windows import Window
from services.notifications.repository.messages import SPEAKS_OF, Message
from shared.messaging import Transaction

# The lock is taken first, and it re-reads the row: whoever cancelled, stopped or sent meanwhile has changed it.
# OFFSET 0 keeps the look-ups look-ups: the planner would rather read all appointments than 500 of 100,000.
WHAT_IS_TRUE = f"""
SELECT m.id, m.case_id, m.person_id, m.appointment_id, {SPEAKS_OF} AS version, m.purpose, m.traceparent, m.state, m.tries,
    m.tried_by, m.given_up, m.due_at,
    a.version AS a_version, a.state AS a_state, a.start, a.time_zone AS a_zone, a.modality, a.by,
    a.another_way, a.provisional,
    s.city, s.directions,
    c.channels, c.language, c.script, c.windows, c.time_zone AS c_zone, c.confirmed_until, c.box, c.box_version,
    coalesce(stops.stopped, false) AS stopped,
    o.expires_at AS o_until, o.attempt AS o_attempt, o.open AS o_open,
    i.box AS i_box, i.box_version AS i_version, i.expires_at, stops.person_id IS NOT NULL AS answered,
    EXISTS (
        SELECT FROM blocks b WHERE b.grp = 'notifications' AND b.key IN (m.case_id::text, m.person_id::text)
    ) AS held,
    m.appointment_id IS NULL AND (EXISTS (
        SELECT FROM appointments b WHERE b.case_id = m.case_id AND b.state <> 'cancelled' AND b.attempt >= m.version
    ) OR EXISTS (
        SELECT FROM offers p WHERE p.case_id = m.case_id AND p.open AND p.attempt > m.version
    )) AS left_waitlist,
    EXISTS (SELECT FROM ended_cases e WHERE e.case_id = m.case_id) AS ended
FROM picked m
LEFT JOIN LATERAL (SELECT * FROM appointments a WHERE a.appointment_id = m.appointment_id OFFSET 0) a ON true
LEFT JOIN LATERAL (SELECT * FROM sites s WHERE s.site_id = a.site_id OFFSET 0) s ON true
LEFT JOIN LATERAL (SELECT * FROM contacts c WHERE c.person_id = m.person_id OFFSET 0) c ON true
LEFT JOIN LATERAL (SELECT * FROM stops t WHERE t.person_id = m.person_id OFFSET 0) stops ON true
LEFT JOIN LATERAL (
    SELECT * FROM offers o WHERE o.case_id = m.case_id AND o.match_id = m.subject_id AND m.purpose = 'offer' OFFSET 0
) o ON true
LEFT JOIN LATERAL (
    SELECT * FROM invitations i WHERE i.attendee_id = m.subject_id
        AND m.purpose IN ('consent_request', 'invitation') OFFSET 0
) i ON true
ORDER BY m.next_at
"""

CLAIM = f"""
WITH picked AS MATERIALIZED (
    SELECT * FROM messages WHERE state IN ('planned', 'sending', 'calling') AND next_at <= $1
    ORDER BY next_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
{WHAT_IS_TRUE}
"""

LOCK = f"""
WITH picked AS MATERIALIZED (SELECT * FROM messages WHERE id = ANY ($1) ORDER BY id FOR UPDATE)
{WHAT_IS_TRUE}
"""

SAVE = """
UPDATE messages m SET state = r.state, next_at = coalesce(r.next_at, m.next_at), tries = r.tries,
    tried_by = r.tried_by, channel = r.channel, language = r.language, template_version = r.template_version,
    parts = r.parts, reason = r.reason, gateway_id = r.gateway_id, claim = $2,
    given_up = string_to_array(r.given_up, ','),
    sent_at = CASE WHEN r.state = 'sent' THEN $3::timestamptz ELSE m.sent_at END,
    settled_at = CASE WHEN r.state IN ('delivered', 'failed', 'skipped') THEN $3::timestamptz END
FROM unnest($4::uuid[], $5::text[], $6::timestamptz[], $7::int[], $8::text[], $9::text[], $10::text[], $11::text[],
    $12::int[], $13::text[], $14::text[], $15::text[]) AS r(id, state, next_at, tries, tried_by, channel, language,
    template_version, parts, reason, gateway_id, given_up)
WHERE m.id = r.id AND ($1::uuid IS NULL OR m.claim = $1)
RETURNING m.id
"""

# A mail may have waited its turn since it was claimed: whoever was stopped, whose appointment has moved on or is less or
# more certain, or whose case has ended meanwhile is left for the next claim to decide. The lease begins anew.
MARK_TRIED = """
UPDATE messages m SET tried_by = $3, next_at = $4
FROM unnest($1::uuid[], $6::int[]) AS c(id, version)
WHERE m.id = c.id AND m.claim = $2 AND m.state = 'sending'
    AND NOT EXISTS (SELECT FROM stops WHERE stops.person_id = m.person_id AND stops.stopped)
    AND NOT EXISTS (
        SELECT FROM appointments a WHERE a.appointment_id = m.appointment_id AND a.version <> c.version
    )
    AND (m.purpose = ANY ($5) OR NOT EXISTS (SELECT FROM ended_cases e WHERE e.case_id = m.case_id))
RETURNING m.id
"""

# Numbered by how many there were before: the message's row is ours, so nobody else counts meanwhile.
KEEP_TRIES = """
INSERT INTO failed_tries (message_id, number, channel, reason, tried_at)
SELECT message_id, 1 + (SELECT count(*) FROM failed_tries f WHERE f.message_id = t.message_id), channel, reason, $4
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS t(message_id, channel, reason) ORDER BY message_id
"""

# Asked more often than there is something to send, hence alone, without a transaction and with the time in it.
ANYTHING = """
SELECT EXISTS (SELECT FROM messages WHERE state IN ('planned', 'sending', 'calling') AND next_at <= coalesce($1, now()))
"""

# Back-offs end within 15 minutes; what waits for its safe window, or for its person to confirm where they are, waits rightly.
OLDEST = """
SELECT min(due_at) FROM messages WHERE state IN ('planned', 'sending') AND due_at <= $1
    AND next_at <= $1 + interval '15 minutes' AND coalesce(reason, '') NOT IN ('safe_window', 'contact_unconfirmed')
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A due message under our lock, with what is true about it now."""

    message: Message
    due: Due
    occasion: Occasion
    language: tuple[str, str]
    box: tuple[str, int] | None
    tries: int
    state: str
    answer_with: tuple[str, int] | None = None


@dataclass(slots=True)
class Fate:
    """What is recorded of a message; `next_at` only while it stays open."""

    id: UUID
    state: str
    tries: int
    next_at: datetime | None = None
    tried_by: str | None = None
    channel: str | None = None
    language: str | None = None
    template_version: str | None = None
    parts: int | None = None
    reason: str | None = None
    gateway_id: str | None = None
    given_up: Sequence[Channel] = ()


async def anything_due(tx: Transaction) -> bool:
    """Whether there may be something to claim."""
    return bool(await tx.connection.fetchval(ANYTHING, tx.told))


async def claim_due(tx: Transaction, limit: int, offered: Collection[str]) -> list[Claimed]:
    """Locks up to `limit` messages that are due; rows another sender holds are left to it."""
    return [_claimed(row, offered) for row in await tx.connection.fetch(CLAIM, tx.now, limit)]


async def lock(tx: Transaction, ids: Collection[UUID], offered: Collection[str]) -> dict[UUID, Claimed]:
    """These messages under our lock, whatever their state, with what is true about them."""
    rows = await tx.connection.fetch(LOCK, sorted(ids))
    return {row["id"]: _claimed(row, offered) for row in rows}


async def save(tx: Transaction, fates: Sequence[Fate], *, ours: UUID | None, claim: UUID | None) -> set[UUID]:
    """Records fates, of rows under claim `ours` only (None: the rows are locked by this transaction);
    returns whose fate was ours to record."""
    if not fates:
        return set()
    rows = await tx.connection.fetch(
        SAVE,
        ours,
        claim,
        tx.now,
        [f.id for f in fates],
        [f.state for f in fates],
        [f.next_at for f in fates],
        [f.tries for f in fates],
        [f.tried_by for f in fates],
        [f.channel for f in fates],
        [f.language for f in fates],
        [f.template_version for f in fates],
        [f.parts for f in fates],
        [f.reason for f in fates],
        [f.gateway_id for f in fates],
        [",".join(f.given_up) for f in fates],
    )
    return {row["id"] for row in rows}


async def mark_tried(
    tx: Transaction, claimed: Sequence[Message], claim: UUID, channel: str, lease_end: datetime
) -> set[UUID]:
    """From here on nobody can be sure that these did not leave; returns those still ours and still true."""
    ids, versions = [one.id for one in claimed], [one.version for one in claimed]
    rows = await tx.connection.fetch(
        MARK_TRIED, ids, claim, channel, lease_end, list(AFTER_THE_END), versions
    )
    return {row["id"] for row in rows}


async def keep_tries(tx: Transaction, tries: Sequence[tuple[UUID, str, str]]) -> None:
    """Tries that came to nothing: (message, channel, reason); one a message. The last one is the message's own row."""
    if tries:
        await tx.connection.execute(
            KEEP_TRIES, *([one[place] for one in tries] for place in range(3)), tx.now
        )


async def oldest_due(tx: Transaction) -> timedelta:
    """How long the message that waits longest without a reason of its own has been due."""
    oldest: datetime | None = await tx.connection.fetchval(OLDEST, tx.now)
    return tx.now - oldest if oldest else timedelta(0)


def _claimed(row: Any, offered: Collection[str]) -> Claimed:
    return Claimed(
        message=Message(
            row["id"], row["case_id"], row["person_id"], row["appointment_id"], row["version"], row["purpose"],
            row["traceparent"],
        ),
        due=Due(
            purpose=row["purpose"],
            version=row["version"],
            tried_by=row["tried_by"],
            stopped=row["stopped"],
            held=row["held"],
            subject=_subject(row),
            contact=_contact(row, offered),
            given_up=row["given_up"],
            ended=row["ended"],
        ),
        occasion=_occasion(row),
        language=(row["language"] or "", row["script"] or ""),
        box=(row["box"], row["box_version"]) if row["box"] is not None else None,
        tries=row["tries"],
        state=row["state"],
        answer_with=(row["i_box"], row["i_version"]) if row["i_box"] is not None else None,
    )  # fmt: skip


def _subject(row: Any) -> Subject | None:
    if row["purpose"] in INVITING:
        return _invitation(row)
    if row["purpose"] == "offer":
        return _offer(row)
    if row["appointment_id"] is None:
        return Subject(row["version"], "left_waitlist" if row["left_waitlist"] else "waitlisted", None)
    if row["a_state"] is None:
        return None
    return Subject(row["a_version"], row["a_state"], row["start"])


def _invitation(row: Any) -> Subject | None:
    # Whoever is invited has said nothing before: any word of theirs about messages came with their answer.
    if row["expires_at"] is None:
        return None
    return Subject(row["version"], "answered" if row["answered"] else "invited", row["expires_at"])


def _offer(row: Any) -> Subject | None:
    # An hour that is booked by the choice, or by an attempt after it, may be known before the choice is.
    if row["o_until"] is None:
        return None
    decided = not row["o_open"] or row["left_waitlist"]
    return Subject(row["o_attempt"], "answered" if decided else "offered", row["o_until"])


def _contact(row: Any, offered: Collection[str]) -> Contact | None:
    if row["channels"] is None:
        return None
    return Contact(
        channels=[channel for channel in row["channels"] if channel in offered],
        windows=[Window(*window) for window in row["windows"]],
        time_zone=row["c_zone"],
        confirmed_until=row["confirmed_until"],
        has_address=row["box"] is not None,
    )


def _occasion(row: Any) -> Occasion:
    in_person = row["modality"] == "in_person"
    return Occasion(
        purpose=row["purpose"],
        start=row["o_until"] or row["expires_at"] or row["start"],
        time_zone=(row["a_zone"] if in_person else row["c_zone"]) or "",
        modality=row["modality"],
        city=row["city"],
        directions=row["directions"] or {},
        by=row["by"],
        another_way=bool(row["another_way"]),
        provisional=bool(row["provisional"]),
        ended=row["ended"],
    )
