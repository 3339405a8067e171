"""Contacts on record: read under the lock of their case, put in the place of what was there, confirmed."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import orjson

from services.intake.domain.contact_changes import KeptContact, Reached
from services.intake.domain.contacts import Contact, Window
from services.intake.repository.locking import lock_cases
from shared.messaging import Transaction

KEPT = """t.channel, t.further_channels, t.box, t.version, t.language, t.script, t.owner, t.safe_windows,
    t.time_zone AS kept_zone"""

REACHED = f"""
SELECT c.case_id, c.case_code, c.person_id, w.case_id IS NOT NULL AS closed, s.state AS gate,
    coalesce(c.needs ->> 'time_zone', 'Asia/Karachi') AS time_zone,
    coalesce((
        SELECT k.state = 'given' FROM consents k WHERE k.person_id = c.person_id AND k.purpose = 'contact'
        ORDER BY k.at DESC LIMIT 1
    ), false) AS agreed, {KEPT}
FROM cases c LEFT JOIN withdrawals w USING (case_id) LEFT JOIN contacts t USING (person_id)
    LEFT JOIN vault.stops s ON s.person_id = c.person_id AND s.purpose = 'contact'
"""
BY_CASE = f"{REACHED} WHERE c.case_id = ANY ($1)"
BY_CODE = f"{REACHED} WHERE c.case_code = ANY ($1)"

OF_PEOPLE = f"""
SELECT t.person_id, {KEPT} FROM contacts t LEFT JOIN vault.stops s ON s.person_id = t.person_id AND s.purpose = 'contact'
WHERE t.person_id = ANY ($1) AND s.state IS DISTINCT FROM 'erased'
"""

# A case that came from a call for help has no contact until its person gives one.
SAVE = """
INSERT INTO contacts (person_id, channel, box, version, language, script, owner, safe_windows, time_zone,
    confirmed_until, changed_at, further_channels)
SELECT person_id, channel, box, version, language, script, owner, safe_windows::jsonb, time_zone, $10, $11,
    string_to_array(further, ',')
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
        $12::text[])
    AS c(person_id, channel, box, version, language, script, owner, safe_windows, time_zone, further)
ON CONFLICT (person_id) DO UPDATE SET channel = excluded.channel, box = excluded.box, version = excluded.version,
    language = excluded.language, script = excluded.script, owner = excluded.owner,
    safe_windows = excluded.safe_windows, time_zone = excluded.time_zone,
    confirmed_until = excluded.confirmed_until, changed_at = excluded.changed_at,
    further_channels = excluded.further_channels
"""


async def lock_reached(tx: Transaction, case_ids: Collection[UUID]) -> dict[UUID, Reached]:
    """The people of the cases that are known, locked in the order of the cases' ids."""
    await lock_cases(tx, case_ids)
    records = await tx.connection.fetch(BY_CASE, list(set(case_ids)))
    return {r["case_id"]: _reached(r) for r in records}


async def reached_by_code(tx: Transaction, case_codes: Sequence[str]) -> dict[str, Reached]:
    """How people are reached now, by case code."""
    records = await tx.connection.fetch(BY_CODE, list(set(case_codes)))
    return {r["case_code"]: _reached(r) for r in records}


async def kept_of(tx: Transaction, people: Collection[UUID]) -> dict[UUID, KeptContact]:
    """What is on record of those who are not erased; the cases in which they take part are locked."""
    return {r["person_id"]: _kept(r) for r in await tx.connection.fetch(OF_PEOPLE, list(people))}


async def save(tx: Transaction, rows: Sequence[tuple[UUID, KeptContact]], confirmed_until: datetime) -> None:
    """(person, contact) of cases that are locked: from now on they are reached so, and that is confirmed until then."""
    kept = [one for _, one in rows]
    await tx.connection.execute(
        SAVE,
        [person_id for person_id, _ in rows],
        [one.contact.channel for one in kept],
        [one.box for one in kept],
        [one.version for one in kept],
        [one.contact.language for one in kept],
        [one.contact.script for one in kept],
        [one.contact.owner for one in kept],
        [orjson.dumps(one.contact.safe_windows).decode() for one in kept],
        [one.time_zone for one in kept],
        confirmed_until,
        tx.now,
        [",".join(one.contact.then) for one in kept],
    )


def _reached(record: asyncpg.Record) -> Reached:
    return Reached(
        record["case_id"],
        record["person_id"],
        record["closed"],
        erased=record["gate"] == "erased",
        stopped=record["gate"] is not None,
        agreed=record["agreed"],
        time_zone=record["time_zone"],
        kept=_kept(record) if record["channel"] else None,
    )


def _kept(record: asyncpg.Record) -> KeptContact:
    contact = Contact(
        record["channel"],
        None,
        record["language"],
        record["script"],
        tuple(Window(**window) for window in record["safe_windows"]),
        record["owner"],
        tuple(record["further_channels"] or ()),
    )
    return KeptContact(contact, record["box"], record["version"], record["kept_zone"])
