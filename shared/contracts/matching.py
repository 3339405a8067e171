"""What matching says: therapists, matches in two lanes, and outcomes that are not a match."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime

from shared.contracts.base import Event, Modality, Value
from shared.contracts.intake import WeeklyWindow

CareLane = Literal["online", "in_person"]


class TherapistChanged(Event):
    """What others must know of a therapist; no name, no competence."""

    type_name: ClassVar[str] = "matching.therapist_changed.v1"
    topic: ClassVar[str] = "matching.therapists"
    key_field: ClassVar[str] = "therapist_id"

    therapist_id: UUID
    organisation: str
    lanes: tuple[CareLane, ...]
    sites: tuple[UUID, ...]
    languages: tuple[str, ...]
    gender: str
    register_status: str
    status: Literal["active", "suspended", "left"]
    weekly_limit: int
    changed_at: AwareDatetime


class Candidate(Value):
    """A therapist who fits, and where, in order of preference."""

    therapist_id: UUID
    site_ids: tuple[UUID, ...] = ()


class MatchAttendee(Value):
    """Who has to have the hour free."""

    attendee_id: UUID
    person_id: UUID


class MatchMade(Event):
    """One to five therapists who fit, in order. A higher attempt withdraws every lower one."""

    type_name: ClassVar[str] = "matching.match_made.v1"
    topic: ClassVar[str] = "matching.matches.online"
    key_field: ClassVar[str] = "case_id"

    case_id: UUID
    match_id: UUID
    attempt: int
    lane: CareLane
    candidates: tuple[Candidate, ...]
    attendees: tuple[MatchAttendee, ...]
    modality: Modality
    minutes: int
    wanted_times: tuple[WeeklyWindow, ...]
    time_zone: str
    earliest: AwareDatetime
    latest: AwareDatetime
    priority: int
    mode: Literal["book", "offer"] = "book"
    expires_at: AwareDatetime | None = None
    rule_version: str

    @property
    def destination(self) -> str:
        return f"matching.matches.{self.lane}"


class MatchWithdrawn(Event):
    """Nothing may be booked for this attempt or a lower one; what is booked is cancelled."""

    type_name: ClassVar[str] = "matching.match_withdrawn.v1"
    topic: ClassVar[str] = "matching.matches.online"
    key_field: ClassVar[str] = "case_id"

    case_id: UUID
    match_id: UUID
    attempt: int
    lane: CareLane
    reason: str
    withdrawn_at: AwareDatetime

    @property
    def destination(self) -> str:
        return f"matching.matches.{self.lane}"


class CaseWaitlisted(Event):
    """Nobody who fits is free; the reason is safe to read aloud and a date of review is set."""

    type_name: ClassVar[str] = "matching.case_waitlisted.v1"
    topic: ClassVar[str] = "matching.outcomes"
    key_field: ClassVar[str] = "case_id"

    case_id: UUID
    person_id: UUID
    attempt: int
    reason: str
    next_review: AwareDatetime
    waitlisted_at: AwareDatetime


EVENTS: tuple[type[Event], ...] = (TherapistChanged, MatchMade, MatchWithdrawn, CaseWaitlisted)
