"""Changing or confirming how somebody is reached: what is on record, and when neither can be done."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from services.intake.domain.contacts import Contact
from services.intake.domain.refusals import Refusal

Why = Literal["unknown", "closed"] | list[Refusal]


@dataclass(frozen=True, slots=True)
class KeptContact:
    """A contact on record: its address is in the box, sealed at this version, and that of `contact` is None."""

    contact: Contact
    box: str | None
    version: int
    time_zone: str


@dataclass(frozen=True, slots=True)
class Reached:
    """The person of a case, and what has to be known before their contact changes. `time_zone` is that in which they say
    their times now; `agreed` that they may be written to, `stopped` that they wanted to hear nothing any more since."""

    case_id: UUID
    person_id: UUID
    closed: bool
    erased: bool
    stopped: bool
    agreed: bool
    time_zone: str
    kept: KeptContact | None


def why_not(before: Reached | None, wanted: Contact | None) -> Why | None:
    """Why `wanted` cannot take the place of what is on record, or that cannot be confirmed (`wanted` is None); None if it
    can. A number that is named is no consent to be written to."""
    if before is None or before.erased:
        return "unknown"
    if before.closed:
        return "closed"
    if wanted is None:
        nothing = Refusal("/confirm", "nothing_on_record", "there is no contact that could be confirmed")
        return None if before.kept else [nothing]
    if wanted.reachable and not before.agreed:
        detail = "without consent to be contacted the channel can only be inbox"
        return [Refusal("/contact/channel", "consent_needed", detail)]
    return None
