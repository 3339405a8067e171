"""The SQL of proposals: the newest of each case, and whether it still waits for an answer."""

from collections.abc import Sequence
from uuid import UUID

from shared.contracts.matching import MatchOffered
from shared.messaging import Transaction

# One that waited for its contact comes again, and may have been decided meanwhile.
OPEN = """
INSERT INTO offers (case_id, match_id, attempt, expires_at, open)
SELECT *, true FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::timestamptz[]) ORDER BY 1
ON CONFLICT (case_id) DO UPDATE SET match_id = excluded.match_id, attempt = excluded.attempt,
    expires_at = excluded.expires_at, open = true
WHERE offers.attempt < excluded.attempt
"""

# Whoever waits on the list again has nothing to choose from either.
CLOSE = """
WITH over AS (
    SELECT o.case_id FROM offers o JOIN unnest($1::uuid[], $2::int[]) AS c(case_id, attempt)
        ON o.case_id = c.case_id AND o.attempt <= c.attempt
    WHERE o.open ORDER BY o.case_id FOR UPDATE OF o
)
UPDATE offers o SET open = false FROM over WHERE o.case_id = over.case_id RETURNING o.case_id
"""


async def open_offers(tx: Transaction, events: Sequence[MatchOffered]) -> None:
    """These wait for an answer."""
    await tx.connection.execute(
        OPEN,
        [event.case_id for event in events],
        [event.match_id for event in events],
        [event.attempt for event in events],
        [event.expires_at for event in events],
    )


async def close_offers(tx: Transaction, ended: Sequence[tuple[UUID, int]]) -> set[UUID]:
    """What was offered to these cases by that attempt, or by one before it, waits for no answer any more; the cases of those
    where it did until now."""
    columns = [case for case, _ in ended], [attempt for _, attempt in ended]
    return {row["case_id"] for row in await tx.connection.fetch(CLOSE, *columns)}
