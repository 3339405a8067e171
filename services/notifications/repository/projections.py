"""What other services said, folded: contacts, stops, sites, appointments. Newer facts win, in whatever order."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from json import dumps
from uuid import UUID

from shared.contracts.intake import ContactChanged, InvitationMade
from shared.contracts.scheduling import Appointment, SiteChanged
from shared.messaging import Transaction

FOLD_APPOINTMENTS = """
INSERT INTO appointments (appointment_id, case_id, version, attempt, start, time_zone, modality, site_id, by,
    provisional, state)
SELECT *, $11 FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::timestamptz[], $6::text[],
    $7::text[], $8::uuid[], $9::text[], $10::bool[]) ORDER BY 1
ON CONFLICT (appointment_id) DO UPDATE SET version = excluded.version, attempt = excluded.attempt,
    start = excluded.start, time_zone = excluded.time_zone, modality = excluded.modality,
    site_id = excluded.site_id, state = excluded.state, by = excluded.by,
    provisional = excluded.provisional,
    told_version = CASE WHEN $12 THEN coalesce(appointments.told_version, appointments.version) END,
    another_way = appointments.modality <> excluded.modality
WHERE appointments.version < excluded.version
RETURNING appointment_id
"""

KNOWN = """
SELECT person_id AS id FROM contacts WHERE person_id = ANY ($1) AND channels IS NOT NULL
UNION ALL
SELECT site_id FROM sites WHERE site_id = ANY ($2) AND city IS NOT NULL
"""

MARK_PEOPLE = """
INSERT INTO contacts (person_id) SELECT * FROM unnest($1::uuid[]) AS p ORDER BY p ON CONFLICT DO NOTHING
"""

MARK_SITES = """
INSERT INTO sites (site_id) SELECT * FROM unnest($1::uuid[]) AS s ORDER BY s ON CONFLICT DO NOTHING
"""

SAVE_CONTACTS = """
INSERT INTO contacts (person_id, channels, language, script, windows, time_zone, owner, confirmed_until, box,
    box_version, changed_at)
SELECT person_id, string_to_array(channels, ','), language, script, windows::jsonb, time_zone, owner,
    confirmed_until, box, box_version, changed_at
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::timestamptz[], $9::text[], $10::int[], $11::timestamptz[]) AS c(person_id, channels, language, script,
    windows, time_zone, owner, confirmed_until, box, box_version, changed_at)
ORDER BY person_id
ON CONFLICT (person_id) DO UPDATE SET channels = excluded.channels, language = excluded.language,
    script = excluded.script, windows = excluded.windows, time_zone = excluded.time_zone,
    owner = excluded.owner, confirmed_until = excluded.confirmed_until, box = excluded.box,
    box_version = excluded.box_version, changed_at = excluded.changed_at, asked_at = NULL
WHERE contacts.changed_at IS NULL OR contacts.changed_at <= excluded.changed_at
"""

SAVE_STOPS = """
INSERT INTO stops (person_id, stopped, changed_at)
SELECT * FROM unnest($1::uuid[], $2::bool[], $3::timestamptz[]) ORDER BY 1
ON CONFLICT (person_id) DO UPDATE SET stopped = excluded.stopped, changed_at = excluded.changed_at
WHERE stops.changed_at <= excluded.changed_at
"""

SAVE_SITES = """
INSERT INTO sites (site_id, city, directions, changed_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::jsonb[], $4::timestamptz[]) ORDER BY 1
ON CONFLICT (site_id) DO UPDATE SET city = excluded.city, directions = excluded.directions,
    changed_at = excluded.changed_at
WHERE sites.changed_at IS NULL OR sites.changed_at <= excluded.changed_at
"""

SAVE_INVITATIONS = """
INSERT INTO invitations (attendee_id, person_id, case_id, box, box_version, expires_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::int[], $6::timestamptz[]) ORDER BY 1
ON CONFLICT (attendee_id) DO NOTHING
"""

SAVE_ENDS = """
INSERT INTO ended_cases (case_id, heard_at) SELECT c, $2 FROM unnest($1::uuid[]) AS c ORDER BY 1
ON CONFLICT (case_id) DO NOTHING
"""


async def fold_appointments(
    tx: Transaction, events: Sequence[Appointment], state: str, *, certainty_alone: bool = False
) -> dict[UUID, int]:
    """Takes in what is newer; returns for every appointment that was not newer the version in which it is told.
    `certainty_alone`: nothing else about them is new, and what is told of them stays true."""
    taken = await tx.connection.fetch(
        FOLD_APPOINTMENTS,
        [e.appointment_id for e in events],
        [e.case_id for e in events],
        [e.version for e in events],
        [e.attempt for e in events],
        [e.start for e in events],
        [e.time_zone for e in events],
        [e.modality for e in events],
        [e.site_id for e in events],
        [e.by for e in events],
        [e.certainty == "provisional" for e in events],
        state,
        certainty_alone,
    )
    if len(taken) == len(events):
        return {}
    older = {e.appointment_id for e in events} - {row["appointment_id"] for row in taken}
    rows = await tx.connection.fetch(
        "SELECT appointment_id, coalesce(told_version, version) AS version FROM appointments"
        " WHERE appointment_id = ANY ($1)",
        list(older),
    )
    return {row["appointment_id"]: row["version"] for row in rows}


async def known(tx: Transaction, people: Collection[UUID], sites: Collection[UUID]) -> set[UUID]:
    """Which of these people and sites are known, from here to the end of the transaction.

    Who is not known gets a mark: the asker holds its row until the waiting event is committed, so whoever
    brings the fact meanwhile waits for us and finds the event, or has brought it before we looked again.
    """
    if not people and not sites:
        return set()
    found = await _known(tx, people, sites)
    if len(found) == len(people) + len(sites):
        return found
    await tx.connection.execute(MARK_PEOPLE, [one for one in people if one not in found])
    await tx.connection.execute(MARK_SITES, [one for one in sites if one not in found])
    return await _known(tx, people, sites)


async def _known(tx: Transaction, people: Collection[UUID], sites: Collection[UUID]) -> set[UUID]:
    return {row["id"] for row in await tx.connection.fetch(KNOWN, list(people), list(sites))}


async def save_contacts(tx: Transaction, events: Sequence[ContactChanged]) -> None:
    """How and when people may be reached; the address stays sealed."""
    await tx.connection.execute(
        SAVE_CONTACTS,
        [e.person_id for e in events],
        [",".join(e.channels) for e in events],
        [e.language for e in events],
        [e.script for e in events],
        [dumps([[w.day, w.start, w.end] for w in e.safe_windows]) for e in events],
        [e.time_zone for e in events],
        [e.owner for e in events],
        [e.confirmed_until for e in events],
        [e.address.box if e.address else None for e in events],
        [e.address.version if e.address else None for e in events],
        [e.changed_at for e in events],
    )


async def save_invitations(tx: Transaction, events: Sequence[InvitationMade]) -> None:
    """What people are to answer with; it stays sealed."""
    await tx.connection.execute(
        SAVE_INVITATIONS,
        [e.attendee_id for e in events],
        [e.person_id for e in events],
        [e.case_id for e in events],
        [e.codes.box for e in events],
        [e.codes.version for e in events],
        [e.expires_at for e in events],
    )


async def save_stops(tx: Transaction, stops: Iterable[tuple[UUID, bool, datetime]]) -> None:
    """Who may not be written to any more, or may again; per person, the later word stands."""
    rows = list(stops)
    await tx.connection.execute(SAVE_STOPS, *([row[column] for row in rows] for column in range(3)))


async def save_ends(tx: Transaction, case_ids: Collection[UUID]) -> None:
    """Cases that have ended; none begins anew."""
    await tx.connection.execute(SAVE_ENDS, list(case_ids), tx.now)


async def save_sites(
    tx: Transaction, events: Sequence[SiteChanged], directions: Sequence[dict[str, str]]
) -> None:
    """Where people go; `directions` are the neutral ones, parallel to the events."""
    await tx.connection.execute(
        SAVE_SITES,
        [e.site_id for e in events],
        [e.city for e in events],
        list(directions),
        [e.changed_at for e in events],
    )
