"""Others who take part: written with their case where there are any, and what they answer for themselves."""

from collections.abc import Collection, Sequence
from uuid import UUID

from services.intake.domain.alarms import Staff
from services.intake.domain.attendees import KeptAttendee
from services.intake.domain.contacts import WrittenTo
from services.intake.domain.invitations import OPEN_FOR
from services.intake.domain.new_case import NewAttendee
from services.intake.domain.requests import Consent
from shared.messaging import Transaction

# A code that is taken already (one in 10**8 at a million attendees) fails its request alone, which is sent again.
SAVE = """
INSERT INTO attendees (attendee_id, case_id, person_id, role, consent, code, changed_at, expires_at, added_by,
    added_name)
SELECT attendee_id, case_id, person_id, role, consent, code, $7, $8, added_by, added_name
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $9::text[], $10::text[])
    AS n(attendee_id, case_id, person_id, role, consent, code, added_by, added_name)
"""

BY_CODE = "SELECT code, attendee_id, case_id, person_id, role, consent FROM attendees WHERE code = ANY ($1)"

CODES = """
SELECT case_id, role, code, attendee_id FROM attendees WHERE case_id = ANY ($1) ORDER BY attendee_id
"""

UNANSWERED = """
SELECT person_id, case_id FROM attendees WHERE case_id = ANY ($1) AND consent IN ('pending', 'invited')
"""

WRITTEN_TO = """
SELECT c.case_id, t.channel, t.language, t.script FROM cases c JOIN contacts t USING (person_id)
WHERE c.case_id = ANY ($1)
"""

# The case is locked: nobody else answers for it at the same time.
SAVE_ANSWERS = """
UPDATE attendees a SET consent = n.consent, changed_at = $3
FROM unnest($1::uuid[], $2::text[]) AS n(attendee_id, consent)
WHERE a.attendee_id = n.attendee_id AND a.consent <> n.consent
"""

SAVE_CONSENTS = """
INSERT INTO consents (person_id, case_id, purpose, state, text_version, language, at)
SELECT person_id, case_id, purpose, state, text_version, language, $7
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[])
    AS n(person_id, case_id, purpose, state, text_version, language)
"""


def save_attendees(tx: Transaction, rows: Sequence[tuple[UUID, NewAttendee, Staff | None]]) -> None:
    """(case, attendee, the coordinator who named them): one statement for all, none if everybody comes alone."""
    if rows:
        tx.write_at_end(
            SAVE,
            [one.attendee_id for _, one, _ in rows],
            [case_id for case_id, _, _ in rows],
            [one.person_id for _, one, _ in rows],
            [one.participant.role for _, one, _ in rows],
            [one.participant.consent for _, one, _ in rows],
            [one.code for _, one, _ in rows],
            tx.now,
            tx.now + OPEN_FOR,
            [by.id if by else None for _, _, by in rows],
            [by.name if by else None for _, _, by in rows],
        )


async def by_code(tx: Transaction, codes: Sequence[str]) -> dict[str, KeptAttendee]:
    """Whose codes these are, where they are anybody's."""
    records = await tx.connection.fetch(BY_CODE, list(set(codes)))
    return {code: KeptAttendee(*about) for code, *about in records}


async def codes_of(tx: Transaction, case_ids: Sequence[UUID]) -> dict[UUID, list[tuple[str, str, UUID]]]:
    """(role, code, attendee) of everybody who takes part beside the askers, by case; nothing where nobody does."""
    found: dict[UUID, list[tuple[str, str, UUID]]] = {}
    for case_id, *about in await tx.connection.fetch(CODES, case_ids):
        found.setdefault(case_id, []).append((about[0], about[1], about[2]))
    return found


async def askers_written_to(tx: Transaction, case_ids: Collection[UUID]) -> dict[UUID, WrittenTo]:
    """How each case's own person is."""
    records = await tx.connection.fetch(WRITTEN_TO, list(case_ids)) if case_ids else []
    return {r["case_id"]: WrittenTo(r["channel"], r["language"], r["script"]) for r in records}


async def unanswered(tx: Transaction, case_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """The cases of those who have not answered yet, by person."""
    records = await tx.connection.fetch(UNANSWERED, list(case_ids)) if case_ids else []
    return {r["person_id"]: r["case_id"] for r in records}


async def save_answers(tx: Transaction, attendees: Sequence[KeptAttendee]) -> None:
    """Of cases that are locked in this transaction."""
    if attendees:
        await tx.connection.execute(
            SAVE_ANSWERS, [one.attendee_id for one in attendees], [one.consent for one in attendees], tx.now
        )


async def save_consents(tx: Transaction, said: Sequence[tuple[UUID, UUID, Consent | None]]) -> None:
    """(person, case, what they agreed to): a row per purpose, taken back where there was no agreement."""
    rows = [
        (person_id, case_id, purpose, _state(consent, purpose), *_text(consent))
        for person_id, case_id, consent in said
        for purpose in ("care", "contact")
    ]
    if rows:
        await tx.connection.execute(SAVE_CONSENTS, *zip(*rows, strict=True), tx.now)


def _state(consent: Consent | None, purpose: str) -> str:
    return "given" if consent and purpose in consent.purposes else "withdrawn"


def _text(consent: Consent | None) -> tuple[str, str]:
    return (consent.text_version, consent.language) if consent else ("none", "none")
