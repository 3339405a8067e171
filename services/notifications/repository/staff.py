"""The SQL of what staff are to be told: news as rows, which take in what comes after them."""

from collections.abc import Sequence
from uuid import UUID

from services.notifications.domain.staff import Fact, News
from shared.messaging import Transaction

NEWS = """
unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::text[], $6::timestamptz[], $7::text[], $8::text[],
    $10::timestamptz[], $11::timestamptz[])
    AS s(case_id, appointment_id, recipient_id, version, purpose, due_at, reason, ends, gone_from, near)
"""

# `known` is news, with why it is not told. An event that waited for a contact comes again: what is there stays as it is.
ADD = """
INSERT INTO staff_news (case_id, appointment_id, recipient_id, version, purpose, due_at, state, reason, noted_at, settled_at,
    gone_from, near)
SELECT case_id, appointment_id, recipient_id, version, purpose, due_at,
    CASE WHEN untold IS NULL THEN 'waiting' ELSE 'skipped' END, untold, $9::timestamptz,
    CASE WHEN untold IS NOT NULL THEN $9::timestamptz END, gone_from, near
FROM known ORDER BY 1, 2, 3, 4
ON CONFLICT DO NOTHING
"""

# An hour that is confirmed, or has its lost day again, is said as booked once more: whoever knows of it is not told anew.
NOTE = f"""
WITH known AS (
    SELECT s.*, coalesce(s.reason, (
        SELECT 'superseded' FROM staff_news o
        WHERE o.case_id = s.case_id AND o.appointment_id = s.appointment_id AND o.recipient_id = s.recipient_id
            AND o.version < s.version AND o.gone_from IS NULL
            AND (o.state IN ('waiting', 'gathered', 'sent') OR o.reason = 'own_doing') LIMIT 1
    )) AS untold FROM {NEWS}
)
{ADD}
"""

# What nobody was told yet takes the change in: a new hour is told as it is by then, an older change gives way. A row that
# is being gathered is waited for, and has been told then.
NOTE_CHANGES = f"""
WITH said AS (SELECT * FROM {NEWS}), older AS (
    UPDATE staff_news n SET
        due_at = least(n.due_at, s.due_at), near = least(n.near, s.near),
        state = CASE WHEN s.ends IS NOT NULL OR s.reason IS NOT NULL OR n.purpose <> 'new_booking' THEN 'skipped' ELSE n.state END,
        reason = CASE WHEN s.ends IS NOT NULL THEN s.ends
            WHEN s.reason IS NOT NULL OR n.purpose <> 'new_booking' THEN 'superseded' END,
        settled_at = CASE WHEN s.ends IS NOT NULL OR s.reason IS NOT NULL OR n.purpose <> 'new_booking'
            THEN $9::timestamptz END
    FROM said s
    WHERE n.case_id = s.case_id AND n.appointment_id = s.appointment_id AND n.recipient_id = s.recipient_id
        AND n.version < s.version AND n.state = 'waiting'
    RETURNING n.appointment_id, n.recipient_id, n.purpose, s.ends
), known AS (
    SELECT s.*, coalesce(s.reason, (
        SELECT coalesce(o.ends, 'superseded') FROM older o
        WHERE o.appointment_id = s.appointment_id AND o.recipient_id = s.recipient_id AND o.purpose = 'new_booking' LIMIT 1
    )) AS untold FROM said s
)
{ADD}
"""

# Whom an hour has left counts only as long as they are not told so.
HOLDERS = """
SELECT appointment_id, recipient_id, gone_from IS NULL AS has FROM (
    SELECT DISTINCT ON (n.appointment_id, n.recipient_id) n.appointment_id, n.recipient_id, n.gone_from, n.state
    FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS s(case_id, appointment_id, version)
    JOIN staff_news n ON n.case_id = s.case_id AND n.appointment_id = s.appointment_id AND n.version < s.version
    ORDER BY n.appointment_id, n.recipient_id, n.version DESC
) AS newest WHERE gone_from IS NULL OR state = 'waiting'
"""


async def holders(tx: Transaction, facts: Sequence[Fact]) -> dict[UUID, dict[UUID, bool]]:
    """Who takes these hours for theirs, before these facts, by the id of the hour; False: they are about to be told that it
    left them."""
    rows = await tx.connection.fetch(
        HOLDERS,
        [one.case_id for one in facts],
        [one.appointment_id for one in facts],
        [one.version for one in facts],
    )
    found: dict[UUID, dict[UUID, bool]] = {one.appointment_id: {} for one in facts}
    for row in rows:
        found[row["appointment_id"]][row["recipient_id"]] = row["has"]
    return found


async def note(tx: Transaction, news: Sequence[News]) -> None:
    """Hours that are booked, to be told of once."""
    await _note(tx, NOTE, news)


async def note_changes(tx: Transaction, news: Sequence[News]) -> None:
    """Hours that were moved or cancelled; what was not told yet takes it in."""
    await _note(tx, NOTE_CHANGES, news)


async def _note(tx: Transaction, statement: str, news: Sequence[News]) -> None:
    if news:
        await tx.connection.execute(
            statement,
            [one.fact.case_id for one in news],
            [one.fact.appointment_id for one in news],
            [one.recipient_id for one in news],
            [one.fact.version for one in news],
            [one.fact.purpose for one in news],
            [one.due_at for one in news],
            [one.reason for one in news],
            [one.ends for one in news],
            tx.now,
            [one.gone_from for one in news],
            [one.near for one in news],
        )
