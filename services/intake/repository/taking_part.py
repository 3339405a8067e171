"""The own views of those who take part, and in which hours they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.intake.domain.states import standing
from services.intake.domain.taking_part import OwnStanding, own_standing
from services.intake.repository.standings import PROGRESS, progress_of
from shared.messaging import Transaction

# Whoever takes their word back sees nothing from then on, also with a session that is still open.
OWN_VIEWS = f"""
SELECT a.code, a.attendee_id, a.appointment_id AS own_hour, {PROGRESS} JOIN attendees a USING (case_id)
WHERE a.code = ANY ($1) AND a.consent = 'given'
"""

# Of cases that are locked. Whoever asked is no row here.
SAVE_HOURS = """
UPDATE attendees a SET appointment_id = n.appointment_id
FROM unnest($1::uuid[], $2::uuid[]) AS n(attendee_id, appointment_id)
WHERE a.attendee_id = n.attendee_id AND a.appointment_id IS DISTINCT FROM n.appointment_id
"""


@dataclass(frozen=True, slots=True)
class OwnView:
    """What somebody is shown of a case that they take part in; `code` is their own."""

    code: str
    case_id: UUID
    attendee_id: UUID
    standing: OwnStanding


async def own_views(tx: Transaction, codes: Sequence[str]) -> dict[str, OwnView]:
    """By own code, of those who agreed."""
    found = {}
    for record in await tx.connection.fetch(OWN_VIEWS, list(set(codes))):
        stands = own_standing(standing(progress_of(record)), record["appointment_id"], record["own_hour"])
        code = record["code"]
        found[code] = OwnView(code, record["case_id"], record["attendee_id"], stands)
    return found


async def save_hours(tx: Transaction, hours: Mapping[UUID, UUID]) -> None:
    """In which hour each attendee is."""
    if hours:
        await tx.connection.execute(SAVE_HOURS, list(hours), list(hours.values()))
