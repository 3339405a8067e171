"""What those who were invited answer, and what it changes for the case.

Who may be in danger from the other one decides how this is built. An answer is shown to nobody but whoever gave it: the
asker sees that the case waits, not that somebody declined. Nothing goes out by itself: the asker is given the code and
the PIN of a partner or a relative, and hands them on when and if it is safe. That an asker could answer in their name
cannot be ruled out by a PIN; whoever meets them asks again. A guardian's PIN is never shown to the one whom the guardian
is to speak for: it goes to the guardian's own contact, or to the staff who hand the request over.

A guardian's answer alone is told: nobody else can open the case, so that to keep silent would be to let a young person
wait for ever. When no guardian is left who might agree, the case is closed and says so; where a human has to speak
first, or others have the young person in care, it is closed when it would go on, and not before.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.intake.domain.attendees import KeptAttendee, awaited, guardians_refused
from services.intake.domain.requests import Consent, gate
from services.intake.domain.vocabulary import AttendeeRole
from services.intake.domain.wishes import KeptRequest

SHOWN_TO_THE_ASKER: frozenset[AttendeeRole] = frozenset({"partner", "family"})
# Design, no source: long enough for somebody who is away, short enough that an old paper opens nothing.
OPEN_FOR = timedelta(days=30)
Rejected = Literal["closed", "expired"]


def purpose_of(role: AttendeeRole) -> Literal["consent_request", "invitation"]:
    """What somebody of that role is written to for."""
    return "consent_request" if role == "guardian" else "invitation"


@dataclass(frozen=True, slots=True)
class Reply:
    """An attendee's own word: `consent` is what they agreed to, None if they would rather not take part."""

    attendee_id: UUID
    consent: Consent | None


def replied(before: KeptRequest, reply: Reply, now: datetime) -> KeptRequest | Rejected:
    """The request after this word; the same one if it was said before. A word that matching need not hear of leaves
    the version as it was, so that nobody can see from it that somebody declined; a refusal that ends the case closes
    it."""
    consent: Literal["given", "declined"] = "given" if reply.consent else "declined"
    own = next(one for one in before.attendees if one.attendee_id == reply.attendee_id)
    if before.closed:
        return before if own.consent == consent == "declined" else "closed"
    if not own.answered and own.expires_at is not None and own.expires_at <= now:
        return "expired"
    others = tuple(replace(one, consent=consent) if one == own else one for one in before.attendees)
    missing = awaited(before.needs.kind, before.needs.age_band, [one.role for one in _given(others)])
    after = replace(before, attendees=others)
    # Where a human speaks first, that human decides: home may be what a young person is not safe from.
    human_first = before.gate == "waits_for_human"
    if missing == "guardian" and not human_first and guardians_refused(others, now):
        return counted(replace(after, closed=True))
    if _given(others) == _given(before.attendees):
        return after
    return counted(replace(after, awaits=missing, gate=gate(missing, human_first)))


def let_go(before: KeptRequest, now: datetime) -> KeptRequest:
    """The request once no human has to speak first and nobody waits: open, or waiting for a consent; closed where the
    consent was refused meanwhile, for there is nobody to wait for."""
    if before.awaits == "guardian" and guardians_refused(before.attendees, now):
        return replace(before, closed=True)
    return replace(before, gate=gate(before.awaits, False))


def counted(after: KeptRequest) -> KeptRequest:
    """The same as its person sees it for the first time; matching hears of an end as of a withdrawal."""
    heard = 0 if after.closed else 1
    return replace(after, version=after.version + 1, request_version=after.request_version + heard)


def decided(after: KeptRequest, now: datetime) -> KeptRequest:
    """The same of a request about whose gate somebody decided at this moment."""
    return counted(replace(after, gate_since=now))


def _given(others: tuple[KeptAttendee, ...]) -> tuple[KeptAttendee, ...]:
    return tuple(one for one in others if one.consent == "given")
