"""An appointment as it stands: made from an hour that was taken, moved, or given back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from services.scheduling.domain.booking import Hour
from services.scheduling.domain.calendars import Lane

State = Literal["booked", "arrived", "fulfilled", "no_show", "cancelled"]
Certainty = Literal["firm", "provisional"]
By = Literal["person", "therapist", "clinic", "system"]


@dataclass(frozen=True, slots=True)
class Appointment:
    """Minutes for start, end and buffer; `week` is the one it counts in. `attendee_ids` and `person_ids` are
    parallel. `version` rises by one with each change. Provisional: the hour is taken, and staff have yet to confirm
    that it will stay."""

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
    certainty: Certainty = "firm"


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
        certainty=certainty or appointment.certainty,
    )


def cancelled(appointment: Appointment) -> Appointment:
    """The same appointment, given back."""
    return replace(appointment, version=appointment.version + 1, state="cancelled")
