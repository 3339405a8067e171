"""Why each attempt ended as it did, and who was asked in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.matching.domain.vocabulary import Lane
from shared.messaging import Transaction

# An array of arrays has to be square in PostgreSQL: the candidates of all rows come as one list, with their row.
SAVE = """
WITH asked AS (
    SELECT n, array_agg(therapist_id ORDER BY place) AS candidates
    FROM unnest($10::int[], $11::uuid[]) WITH ORDINALITY AS a(n, therapist_id, place) GROUP BY n
)
INSERT INTO match_explanations (case_id, attempt, match_id, modality, lane, candidates, reason, rule_version,
    explained, decided_at, traceparent)
SELECT case_id, attempt, match_id, modality, lane, coalesce(candidates, '{}'), reason, $8, explained, $9, traceparent
FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::jsonb[], $12::text[])
    WITH ORDINALITY AS e(case_id, attempt, match_id, modality, lane, reason, explained, traceparent, n)
LEFT JOIN asked USING (n)
ORDER BY case_id
"""

# Of an offer only the chosen one was asked for an hour. Whom the person declined stays declined for as long as they
# ask for the same, in whatever search.
TRIED = """
SELECT e.case_id, e.lane, CASE o.state WHEN 'accepted' THEN ARRAY[o.chosen] ELSE e.candidates END AS candidates,
    o.state IS NOT DISTINCT FROM 'declined' AS declined
FROM match_explanations e
JOIN unnest($1::uuid[], $2::int[]) AS s(case_id, tries_from) USING (case_id)
JOIN cases c USING (case_id) LEFT JOIN offers o ON o.match_id = e.match_id
WHERE e.match_id IS NOT NULL
    AND (e.attempt > s.tries_from OR (o.state = 'declined' AND o.request_version = c.request_version))
"""

WHY = """
SELECT c.case_id::text, c.state, c.attempt, c.reason, c.next_review, coalesce((
    SELECT jsonb_agg(jsonb_build_object('attempt', e.attempt, 'match_id', e.match_id, 'lane', e.lane,
        'modality', e.modality, 'candidates', e.candidates, 'reason', e.reason, 'rule_version', e.rule_version,
        'decided_at', e.decided_at, 'left', e.explained -> 'left', 'points', e.explained -> 'points', 'total', e.explained -> 'total')
        ORDER BY e.attempt)
    FROM match_explanations e WHERE e.case_id = c.case_id
), '[]') AS attempts
FROM cases c WHERE c.case_id = $1
"""


@dataclass(frozen=True, slots=True)
class Explanation:
    """One attempt: whom it asked in which way, or the reason for nobody, and rule names with numbers."""

    case_id: UUID
    attempt: int
    match_id: UUID | None
    modality: str | None
    lane: Lane | None
    candidates: tuple[UUID, ...]
    reason: str | None
    explained: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """Therapists of one attempt: asked for an hour in this lane in vain, or declined by the person in whatever lane."""

    lane: Lane
    therapists: tuple[UUID, ...]
    declined: bool


async def save_explanations(tx: Transaction, rows: Sequence[Explanation], rule_version: str) -> None:
    """One row per attempt, written once."""
    if not rows:
        return
    asked = [(number, one) for number, row in enumerate(rows, 1) for one in row.candidates]
    await tx.connection.execute(
        SAVE,
        [row.case_id for row in rows],
        [row.attempt for row in rows],
        [row.match_id for row in rows],
        [row.modality for row in rows],
        [row.lane for row in rows],
        [row.reason for row in rows],
        [row.explained for row in rows],
        rule_version,
        tx.now,
        [number for number, _ in asked],
        [therapist for _, therapist in asked],
        [tx.traceparent_of(str(row.case_id)) for row in rows],
    )


async def asked_before(tx: Transaction, searches: Sequence[tuple[UUID, int]]) -> dict[UUID, list[Asked]]:
    """Who was asked for each case since its present search began, and whom its person declined.

    `searches` are (case, last attempt before the search).
    """
    ids, since = [case for case, _ in searches], [attempt for _, attempt in searches]
    found: dict[UUID, list[Asked]] = {}
    for row in await tx.connection.fetch(TRIED, ids, since) if searches else []:
        asked = Asked(row["lane"], tuple(row["candidates"]), row["declined"])
        found.setdefault(row["case_id"], []).append(asked)
    return found


async def why(tx: Transaction, case_id: UUID) -> dict[str, Any] | None:
    """How a case stands and why, attempt by attempt; None if it is not known here."""
    row = await tx.connection.fetchrow(WHY, case_id)
    return dict(row) if row else None
