"""Writing requests for care: one statement per table and batch; nothing clear that identifies a person."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import orjson

from services.intake.domain.crisis import card_language
from services.intake.domain.new_case import NewCase, NewContact, SealedParts
from shared.messaging import Transaction

SAVE_CASES = """
INSERT INTO cases (case_id, case_code, person_id, attendee_id, gate, province, card_language, alarmed,
    needs, triage, traceparent, continues, awaits, step_table_version, submitted_at)
SELECT case_id, case_code, person_id, attendee_id, gate, province, card_language, alarmed,
    needs::jsonb, triage::jsonb, traceparent, continues, awaits, $15, $14
FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::boolean[],
        $9::text[], $10::text[], $11::text[], $12::uuid[], $13::text[])
    AS c(case_id, case_code, person_id, attendee_id, gate, province, card_language, alarmed,
        needs, triage, traceparent, continues, awaits)
ON CONFLICT (case_code) DO NOTHING
RETURNING case_id
"""

SAVE_CONSENTS = """
INSERT INTO consents (person_id, case_id, purpose, state, text_version, language, at)
SELECT person_id, case_id, purpose, 'given', text_version, language, $6
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[])
    AS c(person_id, case_id, purpose, text_version, language)
"""

SAVE_CONTACTS = """
INSERT INTO contacts (person_id, channel, box, version, language, script, owner, safe_windows, time_zone,
    confirmed_until, changed_at, further_channels)
SELECT person_id, channel, box, 1, language, script, owner, safe_windows::jsonb, time_zone, $9, $10,
    string_to_array(further, ',')
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $11::text[])
    AS c(person_id, channel, box, language, script, owner, safe_windows, time_zone, further)
"""

SAVE_ANSWERS = """
INSERT INTO answers (case_id, instrument, instrument_version, mode, language, box, follow_up, answered_at)
SELECT case_id, instrument, instrument_version, 'self', language, box, follow_up, $7
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[])
    AS a(case_id, instrument, instrument_version, language, box, follow_up)
"""

SAVE_KEYS = """
INSERT INTO vault.person_keys (person_id, purpose, wrapped)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::bytea[])
"""


async def save_cases(
    tx: Transaction, cases: Sequence[NewCase], codes: Sequence[str], step_table_version: str
) -> set[UUID]:
    """Inserts and returns the ids that found their code free; the others need another code."""
    saved = await tx.connection.fetch(
        SAVE_CASES,
        [case.case_id for case in cases],
        codes,
        [case.person_id for case in cases],
        [case.attendee_id for case in cases],
        [case.admission.gate for case in cases],
        [case.request.needs.province for case in cases],
        [card_language(case.request.contact.language, case.request.contact.script) for case in cases],
        [case.alarm is not None for case in cases],
        [orjson.dumps(case.request.needs).decode() for case in cases],
        [orjson.dumps(case.admission.triage).decode() for case in cases],
        [case.traceparent for case in cases],
        [case.request.proved_earlier for case in cases],
        [case.admission.awaits for case in cases],
        tx.now,
        step_table_version,
    )
    return {record["case_id"] for record in saved}


def save_consents(tx: Transaction, cases: Sequence[NewCase]) -> None:
    """What was agreed to, one row per purpose."""
    given = [
        (case.person_id, case.case_id, purpose, case.request.consent)
        for case in cases
        for purpose in case.request.consent.purposes
    ]
    tx.write_at_end(
        SAVE_CONSENTS,
        [person_id for person_id, _, _, _ in given],
        [case_id for _, case_id, _, _ in given],
        [purpose for _, _, purpose, _ in given],
        [consent.text_version for _, _, _, consent in given],
        [consent.language for _, _, _, consent in given],
        tx.now,
    )


def save_contacts(tx: Transaction, rows: Sequence[NewContact], confirmed_until: datetime) -> None:
    """First contact points with their addresses sealed; a later one is a change, not an insert."""
    contacts = [contact for _, contact, _, _ in rows]
    tx.write_at_end(
        SAVE_CONTACTS,
        [person_id for person_id, _, _, _ in rows],
        [contact.channel for contact in contacts],
        [box for _, _, box, _ in rows],
        [contact.language for contact in contacts],
        [contact.script for contact in contacts],
        [contact.owner for contact in contacts],
        [orjson.dumps(contact.safe_windows).decode() for contact in contacts],
        [time_zone for _, _, _, time_zone in rows],
        confirmed_until,
        tx.now,
        [",".join(contact.then) for contact in contacts],
    )


def save_answers(tx: Transaction, cases: Sequence[NewCase]) -> None:
    """Raw answers, sealed, one row per instrument, with all that is needed to read them again."""
    rows = [
        (case.case_id, reading, case.request.consent.language, box)
        for case in cases
        for reading, box in zip(case.admission.readings, case.sealed.answers, strict=True)
    ]
    if rows:
        tx.write_at_end(
            SAVE_ANSWERS,
            [case_id for case_id, _, _, _ in rows],
            [reading.instrument for _, reading, _, _ in rows],
            [reading.version for _, reading, _, _ in rows],
            [language for _, _, language, _ in rows],
            [box for _, _, _, box in rows],
            [bool(reading.follow_up) for _, reading, _, _ in rows],
            tx.now,
        )


def save_keys(tx: Transaction, sealed: Sequence[tuple[UUID, SealedParts]]) -> None:
    """Each person's into the vault, which this service can write and not read."""
    rows = [(person_id, purpose, wrapped) for person_id, parts in sealed for purpose, wrapped in parts.keys]
    if rows:
        tx.write_at_end(SAVE_KEYS, *zip(*rows, strict=True))
