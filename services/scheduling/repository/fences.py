"""The SQL of fences: one row per case, locked before everything else, in order of the case."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from services.scheduling.domain.fencing import Fence
from shared.messaging import Transaction

# An upsert that changes nothing locks what is there and makes what is not.
LOCK = """
INSERT INTO case_fences (case_id) SELECT c FROM unnest($1::uuid[]) AS c ORDER BY c
ON CONFLICT (case_id) DO UPDATE SET case_id = excluded.case_id
RETURNING case_id, attempt, withdrawn, care_stopped, offered
"""

DECIDE = """
UPDATE case_fences f
SET attempt = d.attempt, no_slot_reason = d.reason, sought_at = $5, traceparent = d.traceparent, offered = d.offered
FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $6::bool[])
    AS d(case_id, attempt, reason, traceparent, offered)
WHERE f.case_id = d.case_id
"""

WITHDRAW = """
UPDATE case_fences f SET withdrawn = w.withdrawn, no_slot_reason = NULL
FROM unnest($1::uuid[], $2::int[]) AS w(case_id, withdrawn) WHERE f.case_id = w.case_id
"""

STOP_CARE = """
UPDATE case_fences f SET care_stopped = c.stopped, care_changed_at = c.at
FROM unnest($1::uuid[], $2::bool[], $3::timestamptz[]) AS c(case_id, stopped, at)
WHERE f.case_id = c.case_id AND (f.care_changed_at IS NULL OR f.care_changed_at <= c.at)
"""


async def lock(tx: Transaction, case_ids: Collection[UUID]) -> dict[UUID, Fence]:
    """The fences of these cases, ours until the transaction ends."""
    rows = await tx.connection.fetch(LOCK, sorted(set(case_ids)))
    return {
        row["case_id"]: Fence(row["attempt"], row["withdrawn"], row["care_stopped"], row["offered"])
        for row in rows
    }


async def decide(tx: Transaction, decided: Sequence[tuple[UUID, int, str | None, bool]]) -> None:
    """These attempts were decided, or offered only; the reason says why there was no hour."""
    if decided:
        cases, attempts, reasons, offered = (list(column) for column in zip(*decided, strict=True))
        traces = [tx.traceparent_of(str(case_id)) for case_id in cases]
        await tx.connection.execute(DECIDE, cases, attempts, reasons, traces, tx.now, offered)


async def withdraw(tx: Transaction, fences: dict[UUID, Fence]) -> None:
    """Nothing may be booked for these attempts or lower ones."""
    await tx.connection.execute(WITHDRAW, list(fences), [fence.withdrawn for fence in fences.values()])


async def stop_care(tx: Transaction, changes: Sequence[tuple[UUID, bool, datetime]]) -> None:
    """Consent to care was taken back, or given again; per case the later word stands."""
    await tx.connection.execute(STOP_CARE, *([row[column] for row in changes] for column in range(3)))
