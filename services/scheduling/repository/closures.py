"""The SQL of site closures as they are written; they are read with the roster."""

from datetime import date
from uuid import UUID

from services.scheduling.domain.calendars import OtherHours
from services.scheduling.repository.roster import closure_hours
from shared.messaging import Transaction

COLUMNS = """
SELECT closure_id, site_id, version, first_day - date '1970-01-01' AS first_day,
    last_day - date '1970-01-01' AS last_day, starts, ends, withdrawn
FROM site_closures
"""

SAVE = """
INSERT INTO site_closures (site_id, closure_id, version, first_day, last_day, starts, ends, changed_at)
VALUES ($1, $2, $3, date '1970-01-01' + $4::int, date '1970-01-01' + $5::int, $6, $7, $8)
ON CONFLICT (site_id, closure_id) DO UPDATE SET version = excluded.version, first_day = excluded.first_day,
    last_day = excluded.last_day, starts = excluded.starts, ends = excluded.ends, changed_at = excluded.changed_at
"""

WITHDRAW = "UPDATE site_closures SET withdrawn = true, changed_at = $3 WHERE site_id = $1 AND closure_id = $2"


async def find(tx: Transaction, site_id: UUID, closure_id: UUID) -> tuple[OtherHours, bool] | None:
    """A closure, over or not, and whether it was taken back."""
    row = await tx.connection.fetchrow(
        f"{COLUMNS} WHERE site_id = $1 AND closure_id = $2", site_id, closure_id
    )
    return (closure_hours(row), row["withdrawn"]) if row else None


async def coming(tx: Transaction, site_id: UUID, since: date) -> list[OtherHours]:
    """Those that stand and are not over by then, in order of time."""
    rows = await tx.connection.fetch(
        f"{COLUMNS} WHERE site_id = $1 AND NOT withdrawn AND last_day >= $2 ORDER BY first_day, starts, closure_id",
        site_id,
        since,
    )
    return [closure_hours(row) for row in rows]


async def save(tx: Transaction, hours: OtherHours) -> None:
    """Writes a closure whole."""
    await tx.connection.execute(
        SAVE,
        hours.site_id,
        hours.id,
        hours.version,
        hours.first_day,
        hours.last_day,
        hours.start,
        hours.end,
        tx.now,
    )


async def withdraw(tx: Transaction, site_id: UUID, closure_id: UUID) -> None:
    """The site is open again."""
    await tx.connection.execute(WITHDRAW, site_id, closure_id, tx.now)
