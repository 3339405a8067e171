"""The only SQL of partners: what was told of each appointment, and each organisation's last position."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.partners.domain import Known
from shared.messaging import Transaction

# Locked first and in order: two batches about one organisation take turns, so positions have no gaps.
ADVANCE = """
INSERT INTO organisations (organisation, position)
SELECT * FROM unnest($1::text[], $2::bigint[]) AS o(organisation, news) ORDER BY organisation
ON CONFLICT (organisation) DO UPDATE SET position = organisations.position + excluded.position
RETURNING organisation, position
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


async def known_bookings(tx: Transaction, appointments: Sequence[UUID]) -> dict[UUID, Known]:
    """What was told of these appointments before, locked until the end of the transaction."""
    rows = await tx.connection.fetch(
        "SELECT appointment_id, booking_ref, version FROM bookings WHERE appointment_id = ANY ($1) "
        "ORDER BY appointment_id FOR UPDATE",
        list(appointments),
    )
    return {row["appointment_id"]: Known(row["booking_ref"], row["version"]) for row in rows}


async def last_positions(tx: Transaction, organisations: Collection[str]) -> dict[str, int]:
    """Takes as many positions as there are entries per organisation; returns the last one given before."""
    counts = Counter(organisations)
    if not counts:
        return {}
    names = sorted(counts)
    rows = await tx.connection.fetch(ADVANCE, names, [counts[name] for name in names])
    return {row["organisation"]: row["position"] - counts[row["organisation"]] for row in rows}


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
