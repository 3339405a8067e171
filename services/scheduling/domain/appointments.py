"""An appointment as it stands: made from an hour that was taken, moved, or given back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from services.scheduling.domain.booking import Hour
from services.scheduling.domain.calendars import Lane

State = Literal["booked", "arrived", "fulfilled", "no_show", "cancelled"]
Certainty = Literal["firm", "provisional"]
# Why an hour is provisional: staff have yet to confirm it; its day may become a holiday; it did, and nobody has moved it.
Why = Literal["to_be_confirmed", "may_be_holiday", "holiday"]
OF_HOLIDAYS: tuple[Why, ...] = ("may_be_holiday", "holiday")
By = Literal["person", "therapist", "clinic", "system"]


@dataclass(frozen=True, slots=True)
class Appointment:
    """Minutes for start, end and buffer; `week` is the one it counts in. `attendee_ids` and `person_ids` are
    parallel. `version` rises by one with each change. With a `why` the hour is provisional: taken, and may not stay."""

    id: UUID
    case_id: UUID
    match_id: UUID
    attempt: int
    version: int
    state: State
    lane: Lane
    modality: str
    therapist_id: UUID
    organisation: str
    site_id: UUID | None
    room_id: UUID | None
    attendee_ids: tuple[UUID, ...]
    person_ids: tuple[UUID, ...]
    start: int
    end: int
    buffer: int
    week: int
    time_zone: str
    why: Why | None = None

    @property
    def certainty(self) -> Certainty:
        """Whether it stays."""
        return "provisional" if self.why else "firm"


@dataclass(frozen=True, slots=True)
class Change:
    """Who changed it and why, as codes."""

    by: By
    reason: str | None = None


def resources_of(appointments: Sequence[Appointment]) -> set[UUID]:
    """All that these appointments reserve."""
    found: set[UUID] = set()
    for one in appointments:
        found |= {one.therapist_id, *one.person_ids}
        if one.room_id is not None:
            found.add(one.room_id)
    return found


def moved(
    appointment: Appointment, hour: Hour, time_zone: str, certainty: Certainty | None = None
) -> Appointment:
    """The same appointment at another hour, told in this zone."""
    return replace(
        appointment,
        version=appointment.version + 1,
        room_id=hour.room_id,
        start=hour.start,
        end=hour.end,
        buffer=hour.buffer,
        week=hour.week,
        time_zone=time_zone,
        why=_why(appointment, certainty, hour.may_close),
    )


def said_of(appointment: Appointment, certainty: Certainty | None) -> Appointment:
    """The same appointment, as certain as staff say; as before where they say nothing."""
    if certainty is None:
        return appointment
    return replace(appointment, why=_why(appointment, certainty, may_close=False))


def _why(appointment: Appointment, said: Certainty | None, may_close: bool) -> Why | None:
    """What staff say counts; else the day of the new hour, and whatever did not hang on the old one."""
    if said is not None:
        return "to_be_confirmed" if said == "provisional" else None
    if may_close:
        return "may_be_holiday"
    return None if appointment.why in OF_HOLIDAYS else appointment.why


def cancelled(appointment: Appointment) -> Appointment:
    """The same appointment, given back."""
    return replace(appointment, version=appointment.version + 1, state="cancelled")
