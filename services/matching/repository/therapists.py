"""Profiles of therapists, sites, and how many cases each therapist has open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.matching.domain.cases import LoadChange
from services.matching.domain.places import Site
from services.matching.domain.therapists import Profile, Suspension, Therapist
from services.matching.domain.vocabulary import LANES
from services.matching.repository.profiles import READ, WRITTEN, therapist_of, values_of
from shared.messaging import Transaction

# The kind of the due rows that tell when something about a therapist begins or ends; the key is the therapist's id.
DUE = "suspension"

GET = f"SELECT therapist_id, version, {READ} FROM therapists WHERE therapist_id = $1"

READ_MANY = f"SELECT therapist_id, {READ} FROM therapists WHERE therapist_id = ANY ($1) ORDER BY therapist_id"

# Two writers of a therapist who is not there yet meet here; the row lock alone would not hold them apart.
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('therapist:' || ($1::uuid)::text, 0))"

LOCK_MANY = f"""
SELECT therapist_id, version, {READ} FROM therapists WHERE therapist_id = ANY ($1) ORDER BY therapist_id FOR UPDATE
"""

PUT = f"""
INSERT INTO therapists (therapist_id, version, changed_at, changed_by, {", ".join(WRITTEN)})
VALUES ($1, $2, $3, pg_current_xact_id(), {", ".join(f"${place}" for place in range(4, 4 + len(WRITTEN)))})
ON CONFLICT (therapist_id) DO UPDATE SET version = excluded.version, changed_at = excluded.changed_at,
    changed_by = excluded.changed_by, {", ".join(f"{name} = excluded.{name}" for name in WRITTEN)}
"""

SUSPEND = """
UPDATE therapists t SET version = t.version + 1, changed_at = $5, changed_by = pg_current_xact_id(),
    suspended_from = s.begins, suspended_until = s.ends, suspended_for = s.reason
FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::text[]) AS s(therapist_id, begins, ends, reason)
WHERE t.therapist_id = s.therapist_id
"""

LAPSE = """
UPDATE therapists t SET version = t.version + 1, changed_at = $3, changed_by = pg_current_xact_id(),
    register_status = l.status
FROM unnest($1::uuid[], $2::text[]) AS l(therapist_id, status) WHERE t.therapist_id = l.therapist_id
"""

OUT = """
SELECT therapist_id FROM therapists
WHERE therapist_id = ANY ($1) AND (status <> 'active' OR suspended_from IS NOT NULL) ORDER BY therapist_id
"""

PUT_SITES = """
INSERT INTO sites (site_id, latitude, longitude, status, step_free, changed_at, changed_by)
SELECT *, $6, pg_current_xact_id()
FROM unnest($1::uuid[], $2::float8[], $3::float8[], $4::text[], $5::boolean[])
    AS s(site_id, latitude, longitude, status, step_free)
ORDER BY site_id
ON CONFLICT (site_id) DO UPDATE SET latitude = excluded.latitude, longitude = excluded.longitude,
    status = excluded.status, step_free = excluded.step_free, changed_at = excluded.changed_at,
    changed_by = excluded.changed_by
"""

OPEN_LOAD = """
INSERT INTO loads (therapist_id, open_cases, changed_by) VALUES ($1, 0, pg_current_xact_id()) ON CONFLICT DO NOTHING
"""

# Scheduling may tell of a therapist before the profile is written here, or again what is known.
PUT_FULL_LANES = """
INSERT INTO loads (therapist_id, open_cases, changed_by, full_lanes, told)
SELECT therapist_id, 0, pg_current_xact_id(), string_to_array(lanes, ' '), true
FROM unnest($1::uuid[], $2::text[]) AS f(therapist_id, lanes) ORDER BY therapist_id
ON CONFLICT (therapist_id) DO UPDATE SET changed_by = excluded.changed_by, full_lanes = excluded.full_lanes,
    told = true, freed_by = CASE
        WHEN loads.full_lanes <@ excluded.full_lanes AND (loads.told OR cardinality(excluded.full_lanes) = $3)
        THEN loads.freed_by ELSE excluded.changed_by END
WHERE loads.full_lanes <> excluded.full_lanes OR NOT loads.told
RETURNING freed_by = pg_current_xact_id() AS risen
"""

# Rows are locked in the order of ids, so that two batches never wait for each other in a circle. The release before
# knows no sliding cases: what it took on was not counted, and must not be taken off below nought.
MOVE_LOADS = """
WITH locked AS (
    SELECT l.therapist_id, m.change, m.sliding FROM loads l
    JOIN unnest($1::uuid[], $2::int[], $4::int[]) AS m(therapist_id, change, sliding) USING (therapist_id)
    ORDER BY l.therapist_id FOR UPDATE OF l
)
UPDATE loads l SET open_cases = l.open_cases + locked.change, changed_by = pg_current_xact_id(),
    sliding_cases = greatest(l.sliding_cases + locked.sliding, 0),
    freed_by = CASE WHEN $3 AND (locked.change < 0 OR locked.sliding < 0) THEN pg_current_xact_id() ELSE l.freed_by END
FROM locked WHERE l.therapist_id = locked.therapist_id
"""


@dataclass(frozen=True, slots=True)
class Versioned:
    """A therapist as they stand in the table."""

    version: int
    therapist: Therapist


async def lock_therapist(tx: Transaction, therapist_id: UUID) -> Versioned | None:
    """Held against other writers until the end of the transaction; None if unknown.

    Their date comes before their row, for that is the order of whoever works it off.
    """
    await tx.connection.execute(LOCK, therapist_id)
    await tx.hold_due(DUE, [str(therapist_id)])
    return (await lock_therapists(tx, [therapist_id])).get(therapist_id)


async def lock_therapists(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, Versioned]:
    """Those of these who are known, their rows locked until the end of the transaction."""
    rows = await tx.connection.fetch(LOCK_MANY, list(ids)) if ids else []
    return {row["therapist_id"]: Versioned(row["version"], therapist_of(row)) for row in rows}


async def read_therapists(tx: Transaction, ids: Sequence[UUID]) -> list[Therapist]:
    """Those of these who are known, as they stand."""
    return [therapist_of(row) for row in await tx.connection.fetch(READ_MANY, list(ids))]


async def out_for_a_time(tx: Transaction, ids: Sequence[UUID]) -> list[UUID]:
    """Those of these who see nobody now, or will not for a time."""
    rows = await tx.connection.fetch(OUT, list(ids)) if ids else []
    return [row["therapist_id"] for row in rows]


async def find_therapist(tx: Transaction, therapist_id: UUID) -> Versioned | None:
    """As they stand; None if unknown."""
    row = await tx.connection.fetchrow(GET, therapist_id)
    return Versioned(row["version"], therapist_of(row)) if row else None


async def put_therapist(tx: Transaction, therapist_id: UUID, version: int, profile: Profile) -> None:
    """Writes a profile whole; whether they are suspended stays as it is."""
    await tx.connection.execute(PUT, therapist_id, version, tx.now, *values_of(profile))
    await tx.connection.execute(OPEN_LOAD, therapist_id)


async def put_suspensions(tx: Transaction, suspended: Mapping[UUID, Suspension | None]) -> None:
    """Writes from when until when and why, or that it is over; each is a new version of the therapist."""
    if not suspended:
        return
    await tx.connection.execute(
        SUSPEND,
        list(suspended),
        [one.begins if one else None for one in suspended.values()],
        [one.ends if one else None for one in suspended.values()],
        [one.reason if one else None for one in suspended.values()],
        tx.now,
    )


async def put_register_status(tx: Transaction, statuses: Mapping[UUID, str]) -> None:
    """What credentials have become; each is a new version of the therapist."""
    if statuses:
        await tx.connection.execute(LAPSE, list(statuses), list(statuses.values()), tx.now)


async def put_sites(tx: Transaction, sites: Sequence[Site]) -> None:
    """As scheduling tells them."""
    await tx.connection.execute(
        PUT_SITES,
        [site.id for site in sites],
        [site.point.latitude for site in sites],
        [site.point.longitude for site in sites],
        ["open" if site.is_open else "closed" for site in sites],
        [site.step_free for site in sites],
        tx.now,
    )


async def put_full_lanes(tx: Transaction, full: Mapping[UUID, Sequence[str]]) -> bool:
    """In which lanes each of these has nothing free; a lane that has again, or of which that is the first word, is room
    for others. Whether there is any."""
    lanes = [" ".join(lanes) for lanes in full.values()]
    rows = await tx.connection.fetch(PUT_FULL_LANES, list(full), lanes, len(LANES))
    return any(row["risen"] for row in rows)


async def move_loads(tx: Transaction, changes: Mapping[UUID, LoadChange], *, frees: bool = False) -> None:
    """Adds to and takes from therapists' open cases.

    `frees` says that what is taken off is room for others. It is not where a therapist had no hour: who waits would
    be searched again for what was just found not to be there.
    """
    if changes:
        open_cases = [change.open_cases for change in changes.values()]
        sliding = [change.sliding_cases for change in changes.values()]
        await tx.connection.execute(MOVE_LOADS, list(changes), open_cases, frees, sliding)
