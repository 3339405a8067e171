"""The SQL of the pager: alarms, their pages, and dead letters of the alarm topic, which are paged like alarms."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.messaging import Transaction

RAISE = """
INSERT INTO alarms (alarm_id, level, state, page_id, next_page_at, changed_at)
SELECT alarm_id, level, 'open', page_id, $4, $4
FROM unnest($1::uuid[], $2::text[], $3::uuid[]) AS a(alarm_id, level, page_id) ORDER BY alarm_id
ON CONFLICT (alarm_id) DO NOTHING
"""

# A quiet row for an alarm we have not heard of yet keeps it quiet when it comes. Whoever was asked because nobody had it is
# left, whatever the clocks say: nobody is ever asked so after somebody had it.
QUIETEN = """
WITH left_alone AS (DELETE FROM rota_pages WHERE alarm_id = ANY ($1))
INSERT INTO alarms (alarm_id, level, state, page_id, next_page_at, changed_at, said_at)
SELECT alarm_id, '', $3, page_id, $4, $4, said_at
FROM unnest($1::uuid[], $2::uuid[], $5::timestamptz[]) AS a(alarm_id, page_id, said_at) ORDER BY alarm_id
ON CONFLICT (alarm_id) DO UPDATE SET state = excluded.state, changed_at = excluded.changed_at, page_to = NULL,
    said_at = excluded.said_at
WHERE excluded.state = 'closed'
    OR (alarms.state <> 'closed' AND coalesce(alarms.said_at, '-infinity') <= excluded.said_at)
"""

# Whoever was given an alarm, or is asked after them, is paged at once. One we have not heard of is nobody's yet.
ASK = """
WITH left_alone AS (DELETE FROM rota_pages WHERE alarm_id = ANY ($1))
INSERT INTO alarms (alarm_id, level, state, page_id, next_page_at, changed_at, page_to, said_at)
SELECT alarm_id, '', 'open', page_id, $5, $5, page_to, said_at
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[]) AS a(alarm_id, page_id, page_to, said_at)
ORDER BY alarm_id
ON CONFLICT (alarm_id) DO UPDATE SET state = 'open', page_id = excluded.page_id, page_to = excluded.page_to,
    next_page_at = excluded.next_page_at, tries = 0, said_at = excluded.said_at,
    changed_at = CASE WHEN alarms.state = 'open' THEN alarms.changed_at ELSE excluded.changed_at END
WHERE alarms.state <> 'closed' AND coalesce(alarms.said_at, '-infinity') <= excluded.said_at
"""

# Of an alarm that nobody ever had: whoever is asked is paged at once, besides the desk; where nobody is on the desk is.
# The alarm is locked before its row of the rota, as by everybody else who takes both.
ASK_BESIDES = """
WITH asked AS (
    INSERT INTO rota_pages (alarm_id, staff_id, page_id, next_page_at, said_at)
    SELECT n.alarm_id, n.staff_id, n.page_id, CASE WHEN n.staff_id IS NOT NULL THEN $5::timestamptz END, n.said_at
    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[]) AS n(alarm_id, page_id, staff_id, said_at)
    JOIN alarms a USING (alarm_id) WHERE a.state = 'open' AND a.said_at IS NULL ORDER BY alarm_id
    FOR NO KEY UPDATE OF a
    ON CONFLICT (alarm_id) DO UPDATE SET staff_id = excluded.staff_id, page_id = excluded.page_id,
        next_page_at = excluded.next_page_at, tries = 0, said_at = excluded.said_at
    WHERE rota_pages.said_at < excluded.said_at
    RETURNING alarm_id, staff_id
)
UPDATE alarms SET page_id = gen_random_uuid(), next_page_at = $5, tries = 0 FROM asked
WHERE alarms.alarm_id = asked.alarm_id AND asked.staff_id IS NULL
"""

# A graver level pages at once, under a new id so that the page is a new one and not taken for one already sent; a
# lighter one waits for the page that was planned. An alarm we have not heard of is nobody's yet, whatever its level.
CHANGE_LEVELS = """
INSERT INTO alarms (alarm_id, level, state, page_id, next_page_at, changed_at)
SELECT alarm_id, level, 'open', page_id, $4, $4
FROM unnest($1::uuid[], $2::text[], $3::uuid[]) AS a(alarm_id, level, page_id) ORDER BY alarm_id
ON CONFLICT (alarm_id) DO UPDATE SET level = excluded.level,
    page_id = CASE WHEN excluded.level > alarms.level THEN excluded.page_id ELSE alarms.page_id END,
    next_page_at = CASE WHEN excluded.level > alarms.level THEN excluded.next_page_at ELSE alarms.next_page_at END,
    tries = CASE WHEN excluded.level > alarms.level THEN 0 ELSE alarms.tries END
"""

# An alarm that could not be read is an alarm: the desk is paged until an operator has settled the dead letter.
RAISE_UNREAD = """
INSERT INTO alarms (alarm_id, level, state, page_id, next_page_at, changed_at)
SELECT id, 'unread', 'open', gen_random_uuid(), $1, $1 FROM dead_letters WHERE grp = 'pager' AND state = 'open'
ON CONFLICT (alarm_id) DO NOTHING
"""

QUIETEN_READ = """
UPDATE alarms SET state = 'closed', changed_at = $1 FROM dead_letters d
WHERE alarms.alarm_id = d.id AND alarms.state = 'open' AND alarms.level = 'unread' AND d.state <> 'open'
"""

# Asked ten times a second, mostly for nothing: one statement, with the time in it. The desk and the rota each have a page
# of their own, so that neither waits for the other.
CLAIM = """
WITH picked AS (
    SELECT alarm_id FROM alarms WHERE state = 'open' AND next_page_at <= coalesce($1, now())
    ORDER BY next_page_at LIMIT $2 FOR UPDATE SKIP LOCKED
), desk AS (
    UPDATE alarms SET next_page_at = coalesce($1, now()) + make_interval(secs => $3) FROM picked
    WHERE alarms.alarm_id = picked.alarm_id
    RETURNING alarms.alarm_id, alarms.level, alarms.page_id, alarms.tries, alarms.page_to
), besides AS (
    SELECT r.alarm_id, a.level FROM rota_pages r JOIN alarms a USING (alarm_id)
    WHERE r.next_page_at <= coalesce($1, now()) AND a.state = 'open' AND a.said_at IS NULL
    ORDER BY r.next_page_at LIMIT $2 FOR UPDATE OF r SKIP LOCKED
), rota AS (
    UPDATE rota_pages r SET next_page_at = coalesce($1, now()) + make_interval(secs => $3) FROM besides
    WHERE r.alarm_id = besides.alarm_id
    RETURNING r.alarm_id, besides.level, r.page_id, r.tries, r.staff_id
)
SELECT * FROM desk UNION ALL SELECT * FROM rota
"""

KEEP_PAGES = """
INSERT INTO pages (page_id, alarm_id, sent_at)
SELECT page_id, alarm_id, $3 FROM unnest($1::uuid[], $2::uuid[]) AS p(page_id, alarm_id)
ON CONFLICT (page_id) DO NOTHING
"""

# Only after the page that is in the row: one that a raise, or the next who is asked, has put in its place meanwhile is due as
# it is.
PLAN_NEXT = """
WITH n AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::int[])
        AS n(alarm_id, after_page, page_id, at, tries)
), rota AS (
    UPDATE rota_pages r SET page_id = n.page_id, next_page_at = n.at, tries = n.tries FROM n
    WHERE r.alarm_id = n.alarm_id AND r.page_id = n.after_page
)
UPDATE alarms SET page_id = n.page_id, next_page_at = n.at, tries = n.tries FROM n
WHERE alarms.alarm_id = n.alarm_id AND alarms.page_id = n.after_page
"""

UNSTAFFED = """
SELECT count(*) FROM rota_pages r JOIN alarms a USING (alarm_id)
WHERE a.state = 'open' AND a.said_at IS NULL AND (r.staff_id IS NULL OR r.staff_id <> ALL ($1))
"""


@dataclass(frozen=True, slots=True)
class Page:
    """One page to the duty desk, or to the human `to` who was asked; `page_id` stays the same until the gateway has taken it."""

    page_id: UUID
    alarm_id: UUID
    level: str
    tries: int
    to: str | None = None


@dataclass(frozen=True, slots=True)
class NextPage:
    """When an alarm is paged again after a page, under which id, and how often in a row the gateway has failed."""

    alarm_id: UUID
    after_page: UUID
    page_id: UUID
    at: datetime
    tries: int


async def raise_alarms(tx: Transaction, alarms: Sequence[tuple[UUID, str]]) -> None:
    """New alarms are due at once."""
    await tx.connection.execute(
        RAISE, [a for a, _ in alarms], [level for _, level in alarms], [tx.new_id() for _ in alarms], tx.now
    )


async def change_levels(tx: Transaction, alarms: Sequence[tuple[UUID, str]]) -> None:
    """Who has an alarm stays who has it; one that nobody has is due at once when it is graver now."""
    await tx.connection.execute(
        CHANGE_LEVELS,
        [a for a, _ in alarms],
        [level for _, level in alarms],
        [tx.new_id() for _ in alarms],
        tx.now,
    )


async def quieten(tx: Transaction, said: Sequence[tuple[UUID, datetime]], state: str) -> None:
    """A named human has them, said at these moments; `closed` is never taken back to `acknowledged`."""
    alarm_ids, moments = [alarm for alarm, _ in said], [at for _, at in said]
    new_ids = [tx.new_id() for _ in said]
    await tx.connection.execute(QUIETEN, alarm_ids, new_ids, state, tx.now, moments)


async def ask(tx: Transaction, asked: Sequence[tuple[UUID, str | None, datetime]]) -> None:
    """(alarm, who is to have it, said when): paged until they or somebody else say that they have it."""
    rows = [(alarm_id, tx.new_id(), to, at) for alarm_id, to, at in asked]
    if rows:
        await tx.connection.execute(ASK, *zip(*rows, strict=True), tx.now)


async def ask_besides(tx: Transaction, asked: Sequence[tuple[UUID, str | None, datetime]]) -> None:
    """(alarm, who is asked because nobody has it, when): paged as well as the desk, until somebody has it."""
    rows = [(alarm_id, tx.new_id(), to, at) for alarm_id, to, at in asked]
    if rows:
        await tx.connection.execute(ASK_BESIDES, *zip(*rows, strict=True), tx.now)


async def follow_dead_letters(tx: Transaction) -> None:
    """What could not be read is paged; what was settled is not paged any more."""
    await tx.connection.execute(RAISE_UNREAD, tx.now)
    await tx.connection.execute(QUIETEN_READ, tx.now)


async def claim_pages(tx: Transaction, limit: int, lease_seconds: float) -> list[Page]:
    """Pages that are due; another pager may take them up when the lease has run out."""
    rows = await tx.connection.fetch(CLAIM, tx.told, limit, lease_seconds)
    return [Page(row["page_id"], row["alarm_id"], row["level"], row["tries"], row["page_to"]) for row in rows]


async def keep_pages(tx: Transaction, pages: Sequence[Page]) -> None:
    """What the gateway has taken."""
    await tx.connection.execute(KEEP_PAGES, [p.page_id for p in pages], [p.alarm_id for p in pages], tx.now)


async def plan_next(tx: Transaction, plans: Sequence[NextPage]) -> None:
    """When these alarms are paged again."""
    await tx.connection.execute(
        PLAN_NEXT,
        [p.alarm_id for p in plans],
        [p.after_page for p in plans],
        [p.page_id for p in plans],
        [p.at for p in plans],
        [p.tries for p in plans],
    )


async def longest_unanswered(tx: Transaction) -> float:
    """Seconds since the oldest alarm that nobody has acknowledged was raised."""
    seconds = await tx.connection.fetchval(
        "SELECT extract(epoch FROM $1 - min(changed_at)) FROM alarms WHERE state = 'open'", tx.now
    )
    return float(seconds or 0.0)


async def unstaffed(tx: Transaction, known: Sequence[str]) -> int:
    """How many alarms nobody has taken in time while nobody is on the rota, or nobody of these whose number is known."""
    return int(await tx.connection.fetchval(UNSTAFFED, list(known)))
