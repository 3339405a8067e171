"""What intake says: cases, people, contact points and alarms. Only intake's owners edit this file."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime

from shared.contracts.base import Event, Modality, Value

Gate = Literal["open", "waits_for_consent", "waits_for_human"]
Channel = Literal["sms", "whatsapp", "email", "call", "inbox"]


class Attendee(Value):
    """A person who takes part in a case; person_id is a random handle, never a name."""

    attendee_id: UUID
    person_id: UUID
    role: str
    consent: str


class WeeklyWindow(Value):
    """A window that comes back every week in local wall time: ISO day 1 to 7, minutes after midnight."""

    day: int
    start: int
    end: int


class TherapistGender(Value):
    """With whom a person would speak, or with whom alone they can (`must`)."""

    wish: Literal["woman", "man"]
    must: bool = False


class PreviousTherapist(Value):
    """Somebody the person knows, and whether they want them again or anybody else."""

    therapist_id: UUID
    wish: Literal["again", "not_again"]


class AboutACase(Event):
    """Tells something of the care that somebody needs, so only matching may read its topic."""

    topic: ClassVar[str] = "intake.cases"
    key_field: ClassVar[str] = "case_id"

    case_id: UUID


class RequestForCare(AboutACase):
    """What every event with a whole request carries."""

    person_id: UUID
    attendees: tuple[Attendee, ...]
    gate: Gate
    kind: str
    problem_areas: tuple[str, ...]
    step: int
    step_reasons: tuple[str, ...]
    step_table_version: str
    priority: int
    modalities: tuple[Modality, ...]
    languages: tuple[str, ...]
    therapist_gender: TherapistGender | None = None
    faith_sensitive: bool = False
    age_band: str | None = None
    province: str
    city: str | None = None
    area: str | None = None
    radius_km: float | None = None
    time_zone: str = "Asia/Karachi"
    wanted_times: tuple[WeeklyWindow, ...] = ()
    max_fee: int | None = None
    coverage: tuple[str, ...] = ()
    access_needs: tuple[str, ...] = ()
    source: str = "self"
    previous_therapist: PreviousTherapist | None = None
    continues: UUID | None = None
    booking_mode: Literal["auto", "choose"] = "auto"
    alarm_open: bool | None = None
    submitted_at: AwareDatetime


class CaseSubmitted(RequestForCare):
    """Somebody asked for help."""

    type_name: ClassVar[str] = "intake.case_submitted.v1"


class CaseUpdated(RequestForCare):
    """The wishes or the gate of a case changed: the whole request again, as it stands from now on. `resumed_after` is
    the attempt after which somebody let it go on: an hour of that one that did not take place is sought for again."""

    type_name: ClassVar[str] = "intake.case_updated.v1"

    request_version: int
    resumed_after: int | None = None
    updated_at: AwareDatetime


class CaseWithdrawn(AboutACase):
    """The person took the request back, in whatever state it was."""

    type_name: ClassVar[str] = "intake.case_withdrawn.v1"

    reason: str
    withdrawn_at: AwareDatetime


class CaseClosed(AboutACase):
    """Staff ended the case. `reason` tells something of the care, so it stays on this topic."""

    type_name: ClassVar[str] = "intake.case_closed.v1"

    reason: str
    by: Literal["therapist", "coordinator"]
    closed_at: AwareDatetime


class AboutAPerson(Event):
    """What everybody has to know of a person; no need is in it."""

    topic: ClassVar[str] = "intake.people"
    key_field: ClassVar[str] = "person_id"

    person_id: UUID
    case_ids: tuple[UUID, ...]


class CaseEnded(AboutAPerson):
    """These cases have ended, whoever ended them and why: nothing about them is said to anybody any more but that an
    hour is given back."""

    type_name: ClassVar[str] = "intake.case_ended.v1"

    ended_at: AwareDatetime


class ConsentChanged(AboutAPerson):
    """Consent for one purpose was given or taken back."""

    type_name: ClassVar[str] = "intake.consent_changed.v1"

    purpose: str
    state: Literal["given", "withdrawn"]
    text_version: str
    changed_at: AwareDatetime


class ContactStopped(AboutAPerson):
    """No message of any kind may go to this person any more. The quick stop."""

    type_name: ClassVar[str] = "intake.contact_stopped.v1"

    stopped_at: AwareDatetime


class Sealed(Value):
    """A sealed field: base64 of nonce + AES-256-GCM ciphertext; only the vault's key opens it."""

    field: str
    version: int
    box: str


class ContactChanged(Event):
    """How and when a person may be reached; the address itself is sealed."""

    type_name: ClassVar[str] = "intake.contact_changed.v1"
    topic: ClassVar[str] = "intake.contacts"
    key_field: ClassVar[str] = "person_id"

    person_id: UUID
    channels: tuple[Channel, ...]
    language: str
    script: str
    safe_windows: tuple[WeeklyWindow, ...]
    time_zone: str
    owner: Literal["own", "shared", "trusted"]
    confirmed_until: AwareDatetime | None
    address: Sealed | None
    changed_at: AwareDatetime


class InvitationMade(Event):
    """Somebody is asked to take part, or to consent for a young person. Code and PIN to answer with are sealed with the
    key of their contact; `expires_at` is when they open nothing any more."""

    type_name: ClassVar[str] = "intake.invitation_made.v1"
    topic: ClassVar[str] = "intake.invitations"
    key_field: ClassVar[str] = "person_id"

    person_id: UUID
    case_id: UUID
    attendee_id: UUID
    purpose: Literal["consent_request", "invitation"]
    codes: Sealed
    expires_at: AwareDatetime
    made_at: AwareDatetime


class AboutAnAlarm(Event):
    """What every event about an alarm carries. Crisis lane from end to end."""

    topic: ClassVar[str] = "intake.alarms"
    key_field: ClassVar[str] = "case_id"

    case_id: UUID
    alarm_id: UUID


class AlarmRaised(AboutAnAlarm):
    """Somebody may be in danger. Crisis lane from end to end; only a named human closes it."""

    type_name: ClassVar[str] = "intake.alarm_raised.v1"

    person_id: UUID
    level: Literal["R1", "R2", "R3"]
    rule: str
    rule_version: str
    province: str
    languages: tuple[str, ...]
    reachable: bool
    due_by: AwareDatetime
    raised_at: AwareDatetime


class AlarmAcknowledged(AboutAnAlarm):
    """A named human has taken the alarm."""

    type_name: ClassVar[str] = "intake.alarm_acknowledged.v1"

    staff_id: str
    acknowledged_at: AwareDatetime


class AlarmAttempted(AboutAnAlarm):
    """A named human tried to reach the person."""

    type_name: ClassVar[str] = "intake.alarm_attempted.v1"

    staff_id: str
    outcome: str
    attempted_at: AwareDatetime


class AlarmLevelChanged(AboutAnAlarm):
    """A named human judged the danger anew; what it was lowered for is kept at the desk."""

    type_name: ClassVar[str] = "intake.alarm_level_changed.v1"

    staff_id: str
    level: Literal["R1", "R2", "R3"]
    due_by: AwareDatetime
    changed_at: AwareDatetime


class AlarmHandedOver(AboutAnAlarm):
    """A named human gave the alarm to a named colleague, who is paged until an acknowledgement follows; where both are the
    same human, none does. Why is kept at the desk."""

    type_name: ClassVar[str] = "intake.alarm_handed_over.v1"

    staff_id: str
    to_staff_id: str
    handed_over_at: AwareDatetime


class AlarmEscalated(AboutAnAlarm):
    """Nobody has said in time that they have an alarm, neither the colleague to whom it was handed over (`confirmation` is
    missing) nor anybody since it was raised (`acknowledgement`): the next on the rota is asked, or nobody in particular
    where nobody is on."""

    type_name: ClassVar[str] = "intake.alarm_escalated.v1"

    level: Literal["R1", "R2", "R3"]
    missing: Literal["confirmation", "acknowledgement"] = "confirmation"
    to_staff_id: str | None = None
    escalated_at: AwareDatetime


class AlarmClosed(AboutAnAlarm):
    """A named human has closed the alarm with an outcome code."""

    type_name: ClassVar[str] = "intake.alarm_closed.v1"

    staff_id: str
    outcome: str
    closed_at: AwareDatetime


EVENTS: tuple[type[Event], ...] = (
    CaseSubmitted, CaseUpdated, CaseWithdrawn, CaseClosed, CaseEnded, ConsentChanged, ContactStopped,
    ContactChanged, InvitationMade, AlarmRaised, AlarmAcknowledged, AlarmAttempted, AlarmLevelChanged,
    AlarmHandedOver, AlarmEscalated, AlarmClosed,
)  # fmt: skip
