"""The waiting list in the order in which it is served, and whether there is more to serve it with."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.matching.domain.waiting import Ageing
from shared.messaging import Transaction

# `effective` is what `Ageing.raised` adds to the need, for all at once. The request tells need and age; the gravest
# open alarm counts when it is more.
PAGE = """
WITH need AS (
    SELECT c.case_id, c.reason, c.attempt, c.next_review, c.changed_at, c.traceparent, c.request ->> 'province' AS province,
        (c.request ->> 'submitted_at')::timestamptz AS submitted_at,
        greatest((c.request ->> 'priority')::int, (
            SELECT max(a.priority) FROM alarms a WHERE a.case_id = c.case_id AND NOT a.closed
        )) AS priority
    FROM cases c WHERE c.state = 'waitlisted'
), aged AS (
    SELECT *, greatest(priority, least($2::int, priority + floor(extract(epoch FROM $1 - submitted_at) / $3)::int))
        AS effective
    FROM need
)
SELECT case_id, reason, attempt, next_review, traceparent, province, submitted_at, priority, effective, ARRAY(
    SELECT kind FROM alternatives a WHERE a.case_id = aged.case_id ORDER BY offered_at, kind
) AS alternatives
FROM aged
WHERE ($4::int IS NULL OR (-effective, submitted_at, case_id) > (-$4, $5, $6))
    AND ($7::text IS NULL OR province = $7) AND ($8::text IS NULL OR reason = $8) AND reason <> ALL ($9::text[])
    AND (reason <> 'no_hour' OR $11::timestamptz IS NULL OR changed_at <= $11)
ORDER BY -effective, submitted_at, case_id LIMIT $10
"""

# Whoever wrote after the last look, or had not ended then, wrote at or above the lowest that was running: see
# `changes`. A therapist who was changed, a place that was opened and a load that was lowered may mean more room.
LAST_RISE = """greatest(
    (SELECT freed_by FROM loads ORDER BY freed_by DESC LIMIT 1),
    (SELECT changed_by FROM therapists ORDER BY changed_by DESC LIMIT 1),
    (SELECT changed_by FROM sites ORDER BY changed_by DESC LIMIT 1)
)"""
SEEN = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS seen"
RISEN = f"{SEEN}, coalesce({LAST_RISE} >= $1::text::xid8, false) AS risen"
RISEN_SINCE = f"""
SELECT seen FROM unnest($1::text[]) AS s(seen), (SELECT {LAST_RISE} AS rise) AS last WHERE rise >= seen::xid8
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ends: in the order as it was at `as_of`, after this case."""

    as_of: datetime
    effective: int
    submitted_at: datetime
    case_id: UUID


@dataclass(frozen=True, slots=True)
class Waits:
    """One case on the list. `effective` is its priority with what the wait adds."""

    case_id: UUID
    reason: str
    attempt: int
    next_review: datetime
    traceparent: str | None
    province: str
    submitted_at: datetime
    priority: int
    effective: int
    alternatives: tuple[str, ...]

    def place(self, as_of: datetime) -> Place:
        return Place(as_of, self.effective, self.submitted_at, self.case_id)


@dataclass(frozen=True, slots=True)
class Filter:
    """None does not restrict; `but` are reasons to leave out; `rested` leaves out who had no hour after it."""

    province: str | None = None
    reason: str | None = None
    but: tuple[str, ...] = ()
    rested: datetime | None = None


async def page(
    tx: Transaction, ageing: Ageing, limit: int, after: Place | None = None, only: Filter | None = None
) -> list[Waits]:
    """The next to be served, first of all or after that place."""
    only = only or Filter()
    place = (after.effective, after.submitted_at, after.case_id) if after else (None, None, None)
    rows = await tx.connection.fetch(
        PAGE,
        after.as_of if after else tx.now,
        ageing.highest,
        ageing.step.total_seconds(),
        *place,
        only.province,
        only.reason,
        list(only.but),
        limit,
        only.rested,
    )
    return [Waits(**dict(row) | {"alternatives": tuple(row["alternatives"])}) for row in rows]


async def capacity_risen(tx: Transaction, since: str) -> tuple[str, bool]:
    """From where the next look has to begin, and whether there may be more room since the look that said `since`."""
    row = await tx.connection.fetchrow(RISEN, since)
    return row["seen"], row["risen"]


async def look(tx: Transaction) -> str:
    """From where somebody who looks later has to begin."""
    return str(await tx.connection.fetchval(SEEN))


async def risen_since(tx: Transaction, looks: Iterable[str]) -> set[str]:
    """Those of these looks since which there may be more room."""
    return {row["seen"] for row in await tx.connection.fetch(RISEN_SINCE, sorted(set(looks)))}


def belongs_to_their_traces(tx: Transaction, waiting: Iterable[Waits]) -> None:
    """What is found for them now belongs to the trace of their request."""
    for one in waiting:
        tx.trace(str(one.case_id), one.traceparent)
