"""Appointments as scheduling tells of them, told to partners."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from services.partners.handlers.telling import Projection
from shared.contracts.matching import MatchAttendee
from shared.contracts.scheduling import (
    Appointment,
    AppointmentArrived,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentFulfilled,
    AppointmentHeld,
    AppointmentNoShow,
    AppointmentReleased,
    AppointmentRescheduled,
)
from shared.messaging import Database

NOW = datetime(2027, 1, 5, 8, 0, tzinfo=UTC)
HOSPITAL = "rehmat-hospital"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def a_booking(organisation: str = HOSPITAL, **changes: Any) -> AppointmentBooked:
    said: dict[str, Any] = {
        "case_id": uuid4(),
        "appointment_id": uuid4(),
        "version": 1,
        "match_id": uuid4(),
        "attempt": 1,
        "attendees": (MatchAttendee(attendee_id=uuid4(), person_id=uuid4()),),
        "therapist_id": uuid4(),
        "organisation": organisation,
        "lane": "in_person",
        "modality": "in_person",
        "site_id": uuid4(),
        "room_id": uuid4(),
        "start": NOW + timedelta(days=2),
        "end": NOW + timedelta(days=2, minutes=50),
        "time_zone": "Asia/Karachi",
        "by": "system",
        "changed_at": NOW,
    }
    return AppointmentBooked(**said | changes)


def moved(event: Appointment) -> AppointmentRescheduled:
    return AppointmentRescheduled(
        **event.model_dump() | {"version": event.version + 1, "previous_start": event.start}
    )


def cancelled(event: Appointment) -> AppointmentCancelled:
    said = event.model_dump() | {"version": event.version + 1, "reason": "by_person"}
    return AppointmentCancelled(**said)


def held(event: AppointmentBooked) -> AppointmentHeld:
    """Kept before it is booked."""
    return AppointmentHeld(**event.model_dump(), held_until=event.start - timedelta(hours=1))


def released(event: Appointment) -> AppointmentReleased:
    return AppointmentReleased(**event.model_dump() | {"version": event.version + 1, "reason": "expired"})


Became = type[AppointmentArrived] | type[AppointmentFulfilled] | type[AppointmentNoShow]


def became(event: Appointment, what: Became) -> Appointment:
    return what(**event.model_dump() | {"version": event.version + 1})


async def tell(database: Database, *events: Appointment) -> None:
    async with database.transaction() as tx:
        for event in events:
            tx.trace(event.key, TRACE)
        await Projection([HOSPITAL, "other-hospital"]).tell(events, tx)
