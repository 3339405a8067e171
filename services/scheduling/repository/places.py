"""The SQL of sites and rooms."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared.messaging import Transaction

ROOMS = """
SELECT r.site_id, r.room_id FROM rooms r JOIN sites s USING (site_id)
WHERE r.site_id = ANY ($1) AND r.status = 'open' AND s.status = 'open' ORDER BY r.site_id, r.room_id
"""

SAVE_SITE = """
INSERT INTO sites (site_id, version, organisation, city, latitude, longitude, time_zone, step_free, directions,
    status, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (site_id) DO UPDATE SET version = excluded.version, organisation = excluded.organisation,
    city = excluded.city, latitude = excluded.latitude, longitude = excluded.longitude,
    time_zone = excluded.time_zone, step_free = excluded.step_free, directions = excluded.directions,
    status = excluded.status, changed_at = excluded.changed_at, changed_by = excluded.changed_by
"""

SAVE_ROOM = """
INSERT INTO rooms (room_id, version, site_id, status, changed_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (room_id) DO UPDATE SET version = excluded.version, status = excluded.status,
    changed_at = excluded.changed_at, changed_by = excluded.changed_by
"""

TURN = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"


@dataclass(frozen=True, slots=True)
class Site:
    """A place where people are seen."""

    organisation: str
    city: str
    latitude: float
    longitude: float
    time_zone: str
    step_free: bool
    directions: dict[str, str]
    status: str


@dataclass(frozen=True, slots=True)
class Room:
    """A room of a site."""

    site_id: UUID
    status: str


async def take_turn(tx: Transaction, thing: UUID) -> None:
    """Of two who write the same new thing, the second waits for the first and then sees it."""
    await tx.connection.execute(TURN, str(thing))


async def open_rooms(tx: Transaction, site_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """The open rooms of those of these sites that are open, in order."""
    rooms: dict[UUID, list[UUID]] = {}
    if site_ids:
        for row in await tx.connection.fetch(ROOMS, list(site_ids)):
            rooms.setdefault(row["site_id"], []).append(row["room_id"])
    return rooms


async def rooms_of(tx: Transaction, site_id: UUID) -> list[UUID]:
    """All rooms of a site, closed ones too."""
    rows = await tx.connection.fetch("SELECT room_id FROM rooms WHERE site_id = $1", site_id)
    return [row["room_id"] for row in rows]


async def zones(tx: Transaction, site_ids: Collection[UUID]) -> dict[UUID, str]:
    """The time zones of these sites; of those that exist."""
    rows = await tx.connection.fetch(
        "SELECT site_id, time_zone FROM sites WHERE site_id = ANY ($1)", list(site_ids)
    )
    return {row["site_id"]: row["time_zone"] for row in rows}


async def find_site(tx: Transaction, site_id: UUID) -> tuple[Site, int] | None:
    """A site and its version."""
    row = await tx.connection.fetchrow("SELECT * FROM sites WHERE site_id = $1", site_id)
    return (_site(row), row["version"]) if row else None


async def find_room(tx: Transaction, room_id: UUID) -> tuple[Room, int] | None:
    """A room and its version."""
    row = await tx.connection.fetchrow("SELECT * FROM rooms WHERE room_id = $1", room_id)
    return (Room(row["site_id"], row["status"]), row["version"]) if row else None


async def save_site(tx: Transaction, site_id: UUID, site: Site, version: int) -> None:
    """Writes a site."""
    await tx.connection.execute(
        SAVE_SITE,
        site_id,
        version,
        site.organisation,
        site.city,
        site.latitude,
        site.longitude,
        site.time_zone,
        site.step_free,
        site.directions,
        site.status,
        tx.now,
    )


async def save_room(tx: Transaction, room_id: UUID, room: Room, version: int) -> None:
    """Writes a room, whose lock row must be there; it never changes its site."""
    await tx.connection.execute(SAVE_ROOM, room_id, version, room.site_id, room.status, tx.now)


def _site(row: Any) -> Site:
    return Site(
        row["organisation"],
        row["city"],
        row["latitude"],
        row["longitude"],
        row["time_zone"],
        row["step_free"],
        row["directions"],
        row["status"],
    )
