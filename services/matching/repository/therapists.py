"""Profiles of therapists, sites, and how many cases each therapist has open."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from services.matching.domain.places import Site
from services.matching.domain.therapists import Profile
from shared.messaging import Transaction

FIELDS = tuple(Profile.__dataclass_fields__)
NAMES = ", ".join(FIELDS)

GET = f"SELECT version, {NAMES} FROM therapists WHERE therapist_id = $1"

# Two writers of a therapist who is not there yet meet here; the row lock alone would not hold them apart.
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('therapist:' || ($1::uuid)::text, 0))"

PUT = f"""
INSERT INTO therapists (therapist_id, version, changed_at, changed_by, {NAMES})
VALUES ($1, $2, $3, pg_current_xact_id(), {", ".join(f"${place}" for place in range(4, 4 + len(FIELDS)))})
ON CONFLICT (therapist_id) DO UPDATE SET version = excluded.version, changed_at = excluded.changed_at,
    changed_by = excluded.changed_by, {", ".join(f"{name} = excluded.{name}" for name in FIELDS)}
"""

PUT_SITES = """
INSERT INTO sites (site_id, latitude, longitude, status, changed_at, changed_by)
SELECT site_id, latitude, longitude, status, $5, pg_current_xact_id()
FROM unnest($1::uuid[], $2::float8[], $3::float8[], $4::text[]) AS s(site_id, latitude, longitude, status)
ORDER BY site_id
ON CONFLICT (site_id) DO UPDATE SET latitude = excluded.latitude, longitude = excluded.longitude,
    status = excluded.status, changed_at = excluded.changed_at, changed_by = excluded.changed_by
"""

OPEN_LOAD = """
INSERT INTO loads (therapist_id, open_cases, changed_by) VALUES ($1, 0, pg_current_xact_id()) ON CONFLICT DO NOTHING
"""

# Rows are locked in the order of ids, so that two batches never wait for each other in a circle.
MOVE_LOADS = """
WITH locked AS (
    SELECT l.therapist_id, m.change FROM loads l
    JOIN unnest($1::uuid[], $2::int[]) AS m(therapist_id, change) USING (therapist_id)
    ORDER BY l.therapist_id FOR UPDATE OF l
)
UPDATE loads l SET open_cases = l.open_cases + locked.change, changed_by = pg_current_xact_id(),
    freed_by = CASE WHEN locked.change < 0 THEN pg_current_xact_id() ELSE l.freed_by END
FROM locked WHERE l.therapist_id = locked.therapist_id
"""


async def lock_therapist(tx: Transaction, therapist_id: UUID) -> tuple[int, Profile] | None:
    """The version and profile, held against other writers until the end of the transaction; None if unknown."""
    await tx.connection.execute(LOCK, therapist_id)
    return await find_therapist(tx, therapist_id)


async def find_therapist(tx: Transaction, therapist_id: UUID) -> tuple[int, Profile] | None:
    """The version and profile; None if unknown."""
    row = await tx.connection.fetchrow(GET, therapist_id)
    return (row["version"], profile_of(row)) if row else None


async def put_therapist(tx: Transaction, therapist_id: UUID, version: int, profile: Profile) -> None:
    """Writes a profile whole."""
    values = (getattr(profile, name) for name in FIELDS)
    await tx.connection.execute(PUT, therapist_id, version, tx.now, *values)
    await tx.connection.execute(OPEN_LOAD, therapist_id)


async def put_sites(tx: Transaction, sites: Sequence[Site]) -> None:
    """As scheduling tells them."""
    await tx.connection.execute(
        PUT_SITES,
        [site.id for site in sites],
        [site.point.latitude for site in sites],
        [site.point.longitude for site in sites],
        ["open" if site.is_open else "closed" for site in sites],
        tx.now,
    )


async def move_loads(tx: Transaction, changes: Mapping[UUID, int]) -> None:
    """Adds to and takes from therapists' open cases."""
    if changes:
        await tx.connection.execute(MOVE_LOADS, list(changes), list(changes.values()))


def profile_of(row: asyncpg.Record) -> Profile:
    """A row as the domain knows it."""
    fields: dict[str, Any] = {
        name: tuple(row[name]) if isinstance(row[name], list) else row[name] for name in FIELDS
    }
    return Profile(**fields)
