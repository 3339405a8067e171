"""Others who take part: written with their case, and only where there are any."""

from collections.abc import Sequence

from services.intake.domain.new_case import NewCase
from shared.messaging import Transaction

# A code that is taken already (one in 10**8 at a million attendees) fails its request alone, which is sent again.
SAVE = """
INSERT INTO attendees (attendee_id, case_id, person_id, role, consent, code, changed_at)
SELECT attendee_id, case_id, person_id, role, consent, code, $7
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[])
    AS n(attendee_id, case_id, person_id, role, consent, code)
"""


async def save_attendees(tx: Transaction, cases: Sequence[NewCase]) -> None:
    """One statement for all, none if everybody comes alone."""
    rows = [(case.case_id, one) for case in cases for one in case.attendees]
    if rows:
        await tx.connection.execute(
            SAVE,
            [one.attendee_id for _, one in rows],
            [case_id for case_id, _ in rows],
            [one.person_id for _, one in rows],
            [one.participant.role for _, one in rows],
            [one.participant.consent for _, one in rows],
            [one.code for _, one in rows],
            tx.now,
        )
