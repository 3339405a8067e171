"""Writing requests for care: one statement per table and batch; nothing clear that identifies a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.intake.domain.vocabulary import Gate
from services.intake.repository.columns import columns
from shared.messaging import Transaction

SAVE_CASES = """
INSERT INTO cases (case_id, case_code, person_id, attendee_id, gate, province, card_language, alarmed,
    needs, triage, submitted_at, traceparent)
SELECT case_id, case_code, person_id, attendee_id, gate, province, card_language, alarmed,
    needs::jsonb, triage::jsonb, $12, traceparent
FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::boolean[],
        $9::text[], $10::text[], $11::text[])
    AS c(case_id, case_code, person_id, attendee_id, gate, province, card_language, alarmed,
        needs, triage, traceparent)
ON CONFLICT (case_code) DO NOTHING
RETURNING case_id
"""

SAVE_STANDINGS = """
INSERT INTO standings (case_id, state, waiting_on, since, reason, next_step)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[])
"""

SAVE_CONSENTS = """
INSERT INTO consents (person_id, case_id, purpose, state, text_version, language, at)
SELECT person_id, case_id, purpose, 'given', text_version, language, $6
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[])
    AS c(person_id, case_id, purpose, text_version, language)
"""

SAVE_CONTACTS = """
INSERT INTO contacts (person_id, channel, box, version, language, script, owner, safe_windows,
    confirmed_until, changed_at)
SELECT person_id, channel, box, 1, language, script, owner, safe_windows::jsonb, $8, $9
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
    AS c(person_id, channel, box, language, script, owner, safe_windows)
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


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One request as it is kept; `needs` and `triage` are JSON."""

    case_id: UUID
    case_code: str
    person_id: UUID
    attendee_id: UUID
    gate: Gate
    province: str
    card_language: str
    alarmed: bool
    needs: str
    triage: str
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class StandingRow:
    """How a new case stands; what comes later is in repository.standings."""

    case_id: UUID
    state: str
    waiting_on: str
    since: datetime
    reason: str | None
    next_step: str


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """Consent given for one purpose."""

    person_id: UUID
    case_id: UUID
    purpose: str
    text_version: str
    language: str


@dataclass(frozen=True, slots=True)
class ContactRow:
    """A contact point; `box` is the sealed address, `safe_windows` JSON."""

    person_id: UUID
    channel: str
    box: str | None
    language: str
    script: str
    owner: str
    safe_windows: str


@dataclass(frozen=True, slots=True)
class AnswersRow:
    """Raw answers, sealed, with all that is needed to read them again."""

    case_id: UUID
    instrument: str
    instrument_version: str
    language: str
    box: str
    follow_up: bool


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A data key, wrapped."""

    person_id: UUID
    purpose: str
    wrapped: bytes


async def save_cases(tx: Transaction, rows: Sequence[CaseRow]) -> set[UUID]:
    """Inserts and returns the ids that found their code free; the others need another code."""
    saved = await tx.connection.fetch(SAVE_CASES, *columns(rows), tx.now)
    return {record["case_id"] for record in saved}


async def save_first_standings(tx: Transaction, rows: Sequence[StandingRow]) -> None:
    """How new cases stand."""
    await tx.connection.execute(SAVE_STANDINGS, *columns(rows))


async def save_consents(tx: Transaction, rows: Sequence[ConsentRow]) -> None:
    """What was agreed to, one row per purpose."""
    await tx.connection.execute(SAVE_CONSENTS, *columns(rows), tx.now)


async def save_contacts(tx: Transaction, rows: Sequence[ContactRow], confirmed_until: datetime) -> None:
    """First contact points; a later one of the same person is a change, not an insert."""
    await tx.connection.execute(SAVE_CONTACTS, *columns(rows), confirmed_until, tx.now)


async def save_answers(tx: Transaction, rows: Sequence[AnswersRow]) -> None:
    """Raw answers of new cases."""
    if rows:
        await tx.connection.execute(SAVE_ANSWERS, *columns(rows), tx.now)


async def save_keys(tx: Transaction, rows: Sequence[KeyRow]) -> None:
    """Into the vault, which this service can write and not read."""
    if rows:
        await tx.connection.execute(SAVE_KEYS, *columns(rows))
