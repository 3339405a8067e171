"""The SQL of resources: the lock rows of therapists, rooms and people."""

from collections.abc import Collection, Mapping, Set
from typing import Literal
from uuid import UUID

from shared.messaging import Transaction

Kind = Literal["therapist", "room", "person"]

# Rows are made in order of id, so two who make the same ones never wait for each other in a ring.
ADD = """
INSERT INTO resources (id, kind)
SELECT w.id, w.kind FROM unnest($1::uuid[], $2::text[]) AS w(id, kind)
WHERE NOT EXISTS (SELECT FROM resources r WHERE r.id = w.id) ORDER BY w.id
ON CONFLICT DO NOTHING
"""

LOCK = (
    "SELECT count(*) FROM (SELECT FROM resources WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE) AS locked"
)


async def lock(tx: Transaction, wanted: Mapping[UUID, Kind], existing: Set[UUID] = frozenset()) -> None:
    """Locks all of these in order of id, until the transaction ends; makes those of `wanted` that are new.

    A therapist's row may so be older than what is known of them: who asks and who brings the news meet in it.
    """
    ids = sorted(wanted)
    if ids:
        await tx.connection.execute(ADD, ids, [wanted[one] for one in ids])
    if ids or existing:
        await tx.connection.execute(LOCK, list({*existing, *ids}))


def named(
    therapists: Collection[UUID] = (), rooms: Collection[UUID] = (), people: Collection[UUID] = ()
) -> dict[UUID, Kind]:
    """The resources with their kinds."""
    found: dict[UUID, Kind] = dict.fromkeys(people, "person")
    found.update(dict.fromkeys(rooms, "room"))
    found.update(dict.fromkeys(therapists, "therapist"))
    return found
