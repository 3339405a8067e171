"""A request that was admitted, with its handles and with what may only be kept sealed."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.intake.domain.admission import Admission
from services.intake.domain.alarms import Raised
from services.intake.domain.attendees import Participant
from services.intake.domain.contacts import Contact
from services.intake.domain.requests import CareRequest


@dataclass(frozen=True, slots=True)
class SealedContact:
    """A contact for the duty desk alone: the box, and the alarm's own key, wrapped."""

    box: str
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class NewAlarm:
    """An alarm about to be raised, until when a human has to be on it, and how to reach the person if that was said."""

    alarm_id: UUID
    raised: Raised
    due_by: datetime
    contact: SealedContact | None


@dataclass(frozen=True, slots=True)
class AlarmOfCase:
    """An alarm with all of its case that the desk and the pager need."""

    alarm: NewAlarm
    case_id: UUID
    person_id: UUID
    province: str
    languages: tuple[str, ...]
    reachable: bool


@dataclass(frozen=True, slots=True)
class SealedParts:
    """The sealed address, the sealed answers per instrument, and (purpose, wrapped data key) of each seal."""

    address: str | None
    answers: tuple[str, ...]
    keys: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class NewAttendee:
    """Somebody else who takes part, with handles of their own; the address of their contact is kept sealed. `invitation`
    is the box of code and PIN for whoever is written to."""

    attendee_id: UUID
    person_id: UUID
    code: str
    participant: Participant
    contact: Contact
    sealed: SealedParts
    invitation: str | None = None


NewContact = tuple[UUID, Contact, str | None, str]  # person, contact, sealed address, time zone


@dataclass(frozen=True, slots=True)
class NewCase:
    """One case before it is saved; `traceparent` is the trace it is followed in."""

    case_id: UUID
    person_id: UUID
    attendee_id: UUID
    request: CareRequest
    admission: Admission
    alarm: NewAlarm | None
    sealed: SealedParts
    traceparent: str | None
    attendees: tuple[NewAttendee, ...] = ()

    @property
    def contacts(self) -> tuple[NewContact, ...]:
        """Those of everybody in the case."""
        zone = self.request.needs.time_zone
        own = (self.person_id, self.request.contact, self.sealed.address, zone)
        return (own, *((one.person_id, one.contact, one.sealed.address, zone) for one in self.attendees))

    @property
    def alarms(self) -> list[AlarmOfCase]:
        """Its alarm, if it raises one."""
        if self.alarm is None:
            return []
        needs, reachable = self.request.needs, self.request.contact.reachable
        return [
            AlarmOfCase(self.alarm, self.case_id, self.person_id, needs.province, needs.languages, reachable)
        ]
