"""What matching says: therapists, matches in two lanes, and outcomes that are not a match."""

from datetime import timedelta
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime

from shared.contracts import tasks
from shared.contracts.base import Event, Modality, Value
from shared.contracts.intake import WeeklyWindow
from shared.contracts.told import AlternativeKind

# An hour is kept so much longer than its person may take it: so long may the answer be on its way to scheduling. Design.
ON_ITS_WAY = timedelta(minutes=10)

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
    """One to five therapists who fit, in order. A higher attempt withdraws every lower one.

    `offer` asks for an hour to be kept until `expires_at`, while its person chooses, with the first of them who has one to
    spare (with `last_too` also the last of a week: they waited on the list for it); nothing
    says that nobody has. `book` with the same attempt follows when they chose; with `start` they wished just the hour that
    begins then, and no other is to be booked.
    """

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
    last_too: bool = False
    expires_at: AwareDatetime | None = None
    start: AwareDatetime | None = None
    rule_version: str

    @property
    def destination(self) -> str:
        return f"matching.matches.{self.lane}"


class MatchWithdrawn(Event):
    """Nothing may be booked for this attempt or a lower one; what is booked and has not begun is cancelled, by whoever
    ended the case where staff did."""

    type_name: ClassVar[str] = "matching.match_withdrawn.v1"
    topic: ClassVar[str] = "matching.matches.online"
    key_field: ClassVar[str] = "case_id"

    case_id: UUID
    match_id: UUID
    attempt: int
    lane: CareLane
    reason: str
    by: Literal["therapist", "clinic", "system"] = "system"
    withdrawn_at: AwareDatetime

    @property
    def destination(self) -> str:
        return f"matching.matches.{self.lane}"


class Outcome(Event):
    """What every outcome carries: something to tell the person that is not a match."""

    topic: ClassVar[str] = "matching.outcomes"
    key_field: ClassVar[str] = "case_id"

    case_id: UUID
    person_id: UUID
    attempt: int


class Option(Value):
    """One therapist a person may choose, how they would meet, and what helps to choose: no name and no reason.

    `fee` in whole rupees a session, `sliding_fee` the least one; `within_km` a band of the distance from the middle
    of the person's city to the nearest of the sites.
    """

    option_id: UUID
    therapist_id: UUID
    site_ids: tuple[UUID, ...] = ()
    modality: Modality
    gender: str | None = None
    languages: tuple[str, ...] = ()
    fee: int | None = None
    sliding_fee: int | None = None
    within_km: int | None = None


class MatchOffered(Outcome):
    """The person wished to choose: these fit, until the offer expires."""

    type_name: ClassVar[str] = "matching.match_offered.v1"

    match_id: UUID
    options: tuple[Option, ...]
    expires_at: AwareDatetime
    offered_at: AwareDatetime


class MatchAccepted(Outcome):
    """The person chose; the match with the chosen one goes to its lane."""

    type_name: ClassVar[str] = "matching.match_accepted.v1"

    match_id: UUID
    option_id: UUID
    accepted_at: AwareDatetime


class MatchDeclined(Outcome):
    """The person wants none of these; others are looked for."""

    type_name: ClassVar[str] = "matching.match_declined.v1"

    match_id: UUID
    reason: str
    declined_at: AwareDatetime


class OfferExpired(Outcome):
    """Nobody chose in time (the case keeps its place on the waiting list), or before the request changed or was to wait."""

    type_name: ClassVar[str] = "matching.offer_expired.v1"

    match_id: UUID
    expired_at: AwareDatetime


class CaseWaitlisted(Outcome):
    """Nobody who fits is free; the reason is safe to read aloud and a date of review is set."""

    type_name: ClassVar[str] = "matching.case_waitlisted.v1"

    reason: str
    next_review: AwareDatetime
    waitlisted_at: AwareDatetime


class AlternativeOffered(Outcome):
    """Other help by humans meanwhile; the case keeps its place on the waiting list."""

    type_name: ClassVar[str] = "matching.alternative_offered.v1"

    kind: AlternativeKind
    offered_at: AwareDatetime


class TaskOpened(tasks.Opened):
    """A coordinator has to see to an hour (`hour`) that is booked with somebody who is out then, or to a credential
    (`credential`) that runs out."""

    type_name: ClassVar[str] = "matching.task_opened.v1"
    topic: ClassVar[str] = "matching.tasks"


class TaskClosed(tasks.Closed):
    """Somebody has seen to it, or the hour or the credential is no more."""

    type_name: ClassVar[str] = "matching.task_closed.v1"
    topic: ClassVar[str] = "matching.tasks"


EVENTS: tuple[type[Event], ...] = (
    TherapistChanged,
    MatchMade,
    MatchWithdrawn,
    MatchOffered,
    MatchAccepted,
    MatchDeclined,
    OfferExpired,
    CaseWaitlisted,
    AlternativeOffered,
    TaskOpened,
    TaskClosed,
)
