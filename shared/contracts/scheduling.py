"""What scheduling says: sites, appointments and openings."""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime

from shared.contracts.base import Event, Modality, Value
from shared.contracts.matching import CareLane, MatchAttendee

Mistaken = Literal["arrived", "no_show"]


class SiteChanged(Event):
    """A place where people are seen; its directions are neutral."""

    type_name: ClassVar[str] = "scheduling.site_changed.v1"
    topic: ClassVar[str] = "scheduling.sites"
    key_field: ClassVar[str] = "site_id"

    site_id: UUID
    organisation: str
    city: str
    latitude: float
    longitude: float
    time_zone: str
    step_free: bool
    directions: dict[str, str]
    status: Literal["open", "closed"]
    changed_at: AwareDatetime


class FreeMinutes(Value):
    """Room for appointments of a therapist in one part of the days of one week, which is named by its Monday."""

    lane: CareLane
    site_id: UUID | None
    week: date
    day_part: Literal["morning", "afternoon", "evening"]
    minutes: int


class CapacityChanged(Event):
    """What is left of a therapist's time in the next four weeks: advice, for others may book meanwhile.

    A part of the day that is not named is full. Every lane and site is counted by itself.
    """

    type_name: ClassVar[str] = "scheduling.capacity_changed.v1"
    topic: ClassVar[str] = "scheduling.capacity"
    key_field: ClassVar[str] = "therapist_id"

    therapist_id: UUID
    session_minutes: int
    free: tuple[FreeMinutes, ...]
    changed_at: AwareDatetime


class Appointment(Event):
    """What every appointment event carries; `version` rises by one with each change."""

    topic: ClassVar[str] = "scheduling.appointments"
    key_field: ClassVar[str] = "case_id"

    case_id: UUID
    appointment_id: UUID
    version: int
    match_id: UUID
    attempt: int
    attendees: tuple[MatchAttendee, ...]
    therapist_id: UUID
    organisation: str
    lane: CareLane
    modality: Modality
    site_id: UUID | None
    room_id: UUID | None
    start: AwareDatetime
    end: AwareDatetime
    time_zone: str
    certainty: Literal["firm", "provisional"] = "firm"
    certainty_reason: str | None = None
    by: Literal["person", "therapist", "clinic", "system"]
    changed_at: AwareDatetime


class AppointmentHeld(Appointment):
    """An hour is kept for the case until `held_until`, when everybody may have it again, whether or not its release was
    said by then. It may be booked under the same id. With `take_by` it is part of the offer `match_id`: until then its
    person takes it by choosing; that is before `held_until`, for the answer has a way to go."""

    type_name: ClassVar[str] = "scheduling.appointment_held.v1"

    held_until: AwareDatetime
    take_by: AwareDatetime | None = None


class AppointmentReleased(Appointment):
    """An hour that was kept is free again, and was never booked."""

    type_name: ClassVar[str] = "scheduling.appointment_released.v1"

    reason: str


class AppointmentBooked(Appointment):
    """An hour is taken; nobody else can have it."""

    type_name: ClassVar[str] = "scheduling.appointment_booked.v1"


class AppointmentRescheduled(Appointment):
    """The same appointment at another time."""

    type_name: ClassVar[str] = "scheduling.appointment_rescheduled.v1"

    previous_start: AwareDatetime


class AppointmentCertaintyChanged(Appointment):
    """The same hour is less certain than it was, or firm again; it was not moved."""

    type_name: ClassVar[str] = "scheduling.appointment_certainty_changed.v1"


class AppointmentDisplaced(Appointment):
    """A booked hour lost its day. It stays taken until people move it, confirm it all the same, or give it back."""

    type_name: ClassVar[str] = "scheduling.appointment_displaced.v1"

    reason: str


class AppointmentCancelled(Appointment):
    """The hour is free again."""

    type_name: ClassVar[str] = "scheduling.appointment_cancelled.v1"

    reason: str


class AppointmentArrived(Appointment):
    """The people are here, in the waiting room or in the call."""

    type_name: ClassVar[str] = "scheduling.appointment_arrived.v1"


class AppointmentFulfilled(Appointment):
    """The session took place; the hour was used."""

    type_name: ClassVar[str] = "scheduling.appointment_fulfilled.v1"


class AppointmentNoShow(Appointment):
    """Nobody came, and the hour had begun. A reason to ask how they are, never one to punish."""

    type_name: ClassVar[str] = "scheduling.appointment_no_show.v1"


class AppointmentCorrected(Appointment):
    """Staff had said by mistake that its people came, or that nobody did: it stands booked again, as before. What was
    to be told because of it is not."""

    type_name: ClassVar[str] = "scheduling.appointment_corrected.v1"

    mistaken: Mistaken


class SlotNotFound(Event):
    """No candidate of the match had an hour that fits; matching may try again, at most three times."""

    type_name: ClassVar[str] = "scheduling.slot_not_found.v1"
    topic: ClassVar[str] = "scheduling.openings"
    key_field: ClassVar[str] = "case_id"

    case_id: UUID
    match_id: UUID
    attempt: int
    lane: CareLane
    reason: str
    sought_at: AwareDatetime


class SlotFreed(Event):
    """An hour that lies ahead was given back or moved away from; somebody who waits may have it.

    Keyed by the therapist: it tells nothing of the case that had it. In person `site_id` says where.
    """

    type_name: ClassVar[str] = "scheduling.slot_freed.v1"
    topic: ClassVar[str] = "scheduling.openings"
    key_field: ClassVar[str] = "therapist_id"

    therapist_id: UUID
    lane: CareLane
    site_id: UUID | None
    start: AwareDatetime
    end: AwareDatetime
    freed_at: AwareDatetime


EVENTS: tuple[type[Event], ...] = (
    SiteChanged,
    CapacityChanged,
    AppointmentHeld,
    AppointmentReleased,
    AppointmentBooked,
    AppointmentRescheduled,
    AppointmentCertaintyChanged,
    AppointmentDisplaced,
    AppointmentCancelled,
    AppointmentArrived,
    AppointmentFulfilled,
    AppointmentNoShow,
    AppointmentCorrected,
    SlotNotFound,
    SlotFreed,
)
