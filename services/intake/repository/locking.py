"""Cases under lock: whoever changes what hangs on a case takes it first."""

from collections.abc import Collection
from uuid import UUID

from shared.messaging import Transaction

# A statement of its own. One that also reads what hangs on the case would show those who had to wait what was there
# before they began to: READ COMMITTED looks again at the row that was locked, and at nothing that is joined to it.
LOCK = "SELECT count(*) FROM (SELECT FROM cases WHERE case_id = ANY ($1) ORDER BY case_id FOR NO KEY UPDATE) AS locked"


async def lock_cases(tx: Transaction, case_ids: Collection[UUID]) -> None:
    """In the order of their ids; those that are not here are passed over."""
    await tx.connection.execute(LOCK, list(set(case_ids)))
