"""What those who were invited answer, and what it changes for the case.

Who may be in danger from the other one decides how this is built. An answer is shown to nobody but whoever gave it: the
asker sees that the case waits, not that somebody declined. Nothing goes out by itself: the asker is given the code and
the PIN of a partner or a relative, and hands them on when and if it is safe. That an asker could answer in their name
cannot be ruled out by a PIN; whoever meets them asks again. A guardian's PIN is never shown to the one whom the guardian
is to speak for.
"""

from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from services.intake.domain.attendees import KeptAttendee, awaited
from services.intake.domain.requests import Consent, gate
from services.intake.domain.vocabulary import AttendeeRole
from services.intake.domain.wishes import KeptRequest

SHOWN_TO_THE_ASKER: frozenset[AttendeeRole] = frozenset({"partner", "family"})


@dataclass(frozen=True, slots=True)
class Reply:
    """An attendee's own word: `consent` is what they agreed to, None if they would rather not take part."""

    attendee_id: UUID
    consent: Consent | None


def replied(before: KeptRequest, reply: Reply) -> KeptRequest | Literal["closed"]:
    """The request after this word; the same one if it was said before. A word that matching need not hear of leaves
    the version as it was, so that nobody can see from it that somebody declined."""
    if before.closed:
        return "closed"
    consent: Literal["given", "declined"] = "given" if reply.consent else "declined"
    others = tuple(
        replace(one, consent=consent) if one.attendee_id == reply.attendee_id else one
        for one in before.attendees
    )
    if _given(others) == _given(before.attendees):
        return replace(before, attendees=others)
    missing = awaited(before.needs.kind, before.needs.age_band, [one.role for one in _given(others)])
    return replace(
        before,
        attendees=others,
        awaits=missing,
        gate=gate(missing, before.gate == "waits_for_human"),
        version=before.version + 1,
        request_version=before.request_version + 1,
    )


def _given(others: tuple[KeptAttendee, ...]) -> tuple[KeptAttendee, ...]:
    return tuple(one for one in others if one.consent == "given")
