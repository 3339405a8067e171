"""Others who take part: who may, whose consent a case waits for, and that nobody gives it for somebody else."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.intake.domain.contacts import Contact, without_contradiction
from services.intake.domain.refusals import Refusal
from services.intake.domain.vocabulary import MINOR, AgeBand, AttendeeConsent, AttendeeRole, Kind

MOST = 8
# Who takes part in what; a guardian belongs to a person under 18, whatever it is about.
ROLES: dict[Kind, frozenset[AttendeeRole]] = {
    "individual": frozenset({"guardian"}),
    "couple": frozenset({"partner", "guardian"}),
    "family": frozenset({"partner", "family", "guardian"}),
    "group": frozenset({"guardian"}),
    "child": frozenset({"family", "guardian"}),
}
Awaited = Literal["guardian", "participant"]


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody else, as the asker named them: `pending` is told by the asker, `invited` may be told by us."""

    role: AttendeeRole
    consent: AttendeeConsent
    contact: Contact | None


@dataclass(frozen=True, slots=True)
class KeptAttendee:
    """Somebody else, as they stand: `given` and `declined` are words of their own alone. Until `expires_at` they may
    answer for the first time; None is without end."""

    attendee_id: UUID
    case_id: UUID
    person_id: UUID
    role: AttendeeRole
    consent: AttendeeConsent
    expires_at: datetime | None = None

    @property
    def answered(self) -> bool:
        return self.consent in ("given", "declined")


def awaited(kind: Kind, age_band: AgeBand | None, given: Sequence[AttendeeRole] = ()) -> Awaited | None:
    """Whose consent is missing before matching may begin; `given` are the roles of those who gave theirs.

    Under 18 a guardian's by default (no statute was found); for a couple the partner's. Of a family whoever came along
    may begin: those who have not consented are not told of any hour.
    """
    if age_band == MINOR and "guardian" not in given:
        return "guardian"
    return "participant" if kind == "couple" and "partner" not in given else None


def guardians_refused(others: Sequence[KeptAttendee], now: datetime) -> bool:
    """Whether a guardian declined and none is left who might still agree."""
    guardians = [one for one in others if one.role == "guardian"]
    left = [one for one in guardians if one.consent != "declined"]
    return len(left) < len(guardians) and not any(
        one.consent == "given" or one.expires_at is None or one.expires_at > now for one in left
    )


def unfitting(kind: Kind, others: Sequence[Participant]) -> list[Refusal]:
    """What is wrong with those who are named."""
    return [
        *(
            refusal
            for place, one in enumerate(others)
            for refusal in _unfitting(kind, f"/attendees/{place}", one)
        ),
        *_partners(kind, others),
    ]


def unfitting_later(kind: Kind, kept: Sequence[KeptAttendee], one: Participant) -> list[Refusal]:
    """What is wrong with somebody who is named after the request was made; addresses are read elsewhere. Whoever
    declined takes nobody's place."""
    there = [other.role for other in kept if other.consent != "declined"]
    refusals = list(_unfitting(kind, "", one))
    if one.role == "partner" and "partner" in there:
        refusals.append(Refusal("/role", "repeated", "there is one partner"))
    if len(there) >= MOST:
        refusals.append(Refusal("", "too_many", f"at most {MOST} others take part"))
    return refusals


def in_their_own_name(asker: Contact, others: Sequence[Participant]) -> list[Refusal]:
    """A guardian who would be written to where nobody reads but the one they are to speak for; addresses as they are
    kept. A shared number, or one of somebody trusted, is another matter."""
    detail = "a guardian needs a contact of their own; if you share this one, say so with `owner`"
    return [
        Refusal(f"/attendees/{place}/contact/address", "your_own", detail)
        for place, one in enumerate(others)
        if one.role == "guardian" and one.contact and one.contact.address and asker.owner == "own"
        if one.contact.address == asker.address
    ]


def _unfitting(kind: Kind, at: str, one: Participant) -> Iterator[Refusal]:
    if one.role not in ROLES[kind]:
        yield Refusal(
            f"{at}/role", "not_with_this_kind", f"nobody takes part as {one.role} in this kind of care"
        )
    if one.consent == "invited" and (one.contact is None or not one.contact.reachable):
        detail = "whoever is to be invited by us needs a contact of their own"
        yield Refusal(f"{at}/contact", "missing", detail)
    if one.consent == "invited" and one.contact is not None and one.contact.heard_only:
        detail = "an invitation holds a PIN, which nobody reads out to anybody"
        yield Refusal(f"{at}/contact/channel", "not_for_invitations", detail)
    if one.contact is not None:
        yield from without_contradiction(one.contact, f"{at}/contact")


def _partners(kind: Kind, others: Sequence[Participant]) -> Iterator[Refusal]:
    partners = [place for place, one in enumerate(others) if one.role == "partner"]
    if kind == "couple" and not partners:
        yield Refusal("/attendees", "partner_missing", "care for a couple needs the other one as an attendee")
    for place in partners[1:]:
        yield Refusal(f"/attendees/{place}/role", "repeated", "there is one partner")
