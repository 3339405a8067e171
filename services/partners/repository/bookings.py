"""What was told of each appointment, and each organisation's last position."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.partners.domain.bookings import Known, Reached
from shared.messaging import Transaction

# Locked first and in order: two batches about one organisation take turns, so positions have no gaps.
ADVANCE = """
INSERT INTO organisations (organisation, listens, changes, position)
SELECT organisation, listens, news, CASE WHEN listens THEN news ELSE 0 END
FROM unnest($1::text[], $2::bigint[], $3::boolean[]) AS o(organisation, news, listens) ORDER BY organisation
ON CONFLICT (organisation) DO UPDATE SET
    listens = organisations.listens OR excluded.listens,
    changes = organisations.changes + excluded.changes,
    position = organisations.position
        + CASE WHEN organisations.listens OR excluded.listens THEN excluded.changes ELSE 0 END
RETURNING organisation, position, listens
"""

SAVE = """
INSERT INTO bookings (appointment_id, booking_ref, case_id, organisation, version, status, position, told_at,
    traceparent)
SELECT appointment_id, booking_ref, case_id, organisation, version, status, position, $9, traceparent
FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::int[], $6::text[], $7::bigint[], $8::text[])
    AS b(appointment_id, booking_ref, case_id, organisation, version, status, position, traceparent)
ORDER BY appointment_id
ON CONFLICT (appointment_id) DO UPDATE SET version = excluded.version, status = excluded.status,
    position = excluded.position, told_at = excluded.told_at, traceparent = excluded.traceparent
"""

# What stood until now, if anything did.
REPLACE = """
UPDATE told SET until = n.position, replaced_at = $4
FROM unnest($1::text[], $2::text[], $3::bigint[]) AS n(organisation, booking_ref, position)
WHERE told.organisation = n.organisation AND told.booking_ref = n.booking_ref AND told.until IS NULL
"""

TELL = """
INSERT INTO told (organisation, booking_ref, version, position, type, said, live, ends_at, told_at)
SELECT organisation, booking_ref, version, position, type, said, live, ends_at, $9
FROM unnest($1::text[], $2::text[], $3::int[], $4::bigint[], $5::text[], $6::jsonb[], $7::boolean[],
    $8::timestamptz[]) AS t(organisation, booking_ref, version, position, type, said, live, ends_at)
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A booking as it was told."""

    appointment_id: UUID
    booking_ref: str
    case_id: UUID
    organisation: str
    version: int
    status: str
    position: int
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """A change as the feed and the snapshot tell it; `said` is the event's data."""

    row: Row
    type: str
    said: dict[str, Any]
    live: bool
    ends_at: datetime


async def known_bookings(tx: Transaction, appointments: Sequence[UUID]) -> dict[UUID, Known]:
    """What was told of these appointments before, locked until the end of the transaction."""
    rows = await tx.connection.fetch(
        "SELECT appointment_id, booking_ref, version FROM bookings WHERE appointment_id = ANY ($1) "
        "ORDER BY appointment_id FOR UPDATE",
        list(appointments),
    )
    return {row["appointment_id"]: Known(row["booking_ref"], row["version"]) for row in rows}


async def advance(
    tx: Transaction, organisations: Sequence[str], with_topic: Collection[str]
) -> dict[str, Reached]:
    """Takes as many positions as there are entries per organisation that listens: by a topic, or since it has a key.
    Returns how far each had been told before."""
    counts = Counter(organisations)
    if not counts:
        return {}
    names = sorted(counts)
    rows = await tx.connection.fetch(
        ADVANCE, names, [counts[name] for name in names], [name in with_topic for name in names]
    )
    return {
        row["organisation"]: Reached(
            row["position"] - counts[row["organisation"]] * row["listens"], row["listens"]
        )
        for row in rows
    }


async def save_bookings(tx: Transaction, rows: Sequence[Row]) -> None:
    """What is told now."""
    if not rows:
        return
    await tx.connection.execute(
        SAVE,
        [row.appointment_id for row in rows],
        [row.booking_ref for row in rows],
        [row.case_id for row in rows],
        [row.organisation for row in rows],
        [row.version for row in rows],
        [row.status for row in rows],
        [row.position for row in rows],
        [row.traceparent for row in rows],
        tx.now,
    )


async def save_changes(tx: Transaction, changes: Sequence[Change]) -> None:
    """Puts each change in the place of what stood before."""
    if not changes:
        return
    organisations = [one.row.organisation for one in changes]
    references = [one.row.booking_ref for one in changes]
    places = [one.row.position for one in changes]
    await tx.connection.execute(REPLACE, organisations, references, places, tx.now)
    await tx.connection.execute(
        TELL,
        organisations,
        references,
        [one.row.version for one in changes],
        places,
        [one.type for one in changes],
        [one.said for one in changes],
        [one.live for one in changes],
        [one.ends_at for one in changes],
        tx.now,
    )
