"""What has changed in the directory since a process last looked, without locks and without missing anything.

Each row names the transaction that wrote it. Whatever was not yet visible at the last look was written by a
transaction that had not ended then, hence by one at or above the lowest that was running: that is where the next look
begins (PostgreSQL manual, 9.28.16, pg_snapshot_xmin). A few rows may be told twice; none is left out.
"""

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from services.matching.domain.capacity import Load
from services.matching.domain.places import Point, Site
from services.matching.domain.therapists import Therapist
from services.matching.repository.profiles import READ, therapist_of
from shared.messaging import Transaction

# `own`: written by this very transaction, and so perhaps never to be.
LOOK = """
SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS begin_next,
    coalesce(array_agg(therapist_id), '{}') AS therapists, coalesce(array_agg(open_cases), '{}') AS open_cases,
    coalesce(array_agg(array_to_string(full_lanes, ' ')), '{}') AS full_lanes,
    coalesce(array_agg(sliding_cases), '{}') AS sliding_cases,
    coalesce(array_agg(therapist_id) FILTER (WHERE changed_by = pg_current_xact_id_if_assigned()), '{}') AS own,
    EXISTS (SELECT FROM therapists WHERE changed_by >= $1::text::xid8 OR therapist_id = ANY ($3)) AS has_therapists,
    EXISTS (SELECT FROM sites WHERE changed_by >= $1::text::xid8 OR site_id = ANY ($3)) AS has_sites
FROM loads WHERE changed_by >= $1::text::xid8 OR therapist_id = ANY ($2)
"""
THERAPISTS = f"""
SELECT therapist_id, changed_by = pg_current_xact_id_if_assigned() IS TRUE AS own, {READ}
FROM therapists WHERE changed_by >= $1::text::xid8 OR therapist_id = ANY ($2)
"""
SITES = """
SELECT site_id, latitude, longitude, status, step_free, changed_by = pg_current_xact_id_if_assigned() IS TRUE AS own
FROM sites WHERE changed_by >= $1::text::xid8 OR site_id = ANY ($2)
"""

BEGINNING = "0"


@dataclass(frozen=True, slots=True)
class Own:
    """What a transaction itself has written: whose loads, and which therapists and sites."""

    loads: frozenset[UUID] = frozenset()
    profiles: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed, and where the next look begins; `own` is this transaction's own."""

    begin_next: str
    therapists: list[Therapist]
    sites: list[Site]
    loads: dict[UUID, Load]
    own: Own


async def changes_since(tx: Transaction, begin: str, again: Own) -> Changes:
    """Everything written since the look that said `begin`, and the rows named in `again` in any case."""
    profiles = list(again.profiles)
    look = await tx.connection.fetchrow(LOOK, begin, list(again.loads), profiles)
    loads = {
        who: Load(open_cases, frozenset(full.split()), sliding)
        for who, open_cases, full, sliding in zip(
            look["therapists"], look["open_cases"], look["full_lanes"], look["sliding_cases"], strict=True
        )
    }
    own: set[UUID] = set()
    therapists, sites = [], []
    if look["has_therapists"]:
        rows = await tx.connection.fetch(THERAPISTS, begin, profiles)
        therapists = [therapist_of(row) for row in rows]
        own |= {row["therapist_id"] for row in rows if row["own"]}
    if look["has_sites"]:
        rows = await tx.connection.fetch(SITES, begin, profiles)
        sites = [_site(row) for row in rows]
        own |= {row["site_id"] for row in rows if row["own"]}
    return Changes(look["begin_next"], therapists, sites, loads, Own(frozenset(look["own"]), frozenset(own)))


def _site(row: asyncpg.Record) -> Site:
    point = Point(row["latitude"], row["longitude"])
    return Site(row["site_id"], point, row["status"] == "open", row["step_free"])
