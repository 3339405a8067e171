"""What scheduling says in the story: a place, an hour in it that is taken, moved, given back, kept or missed, or none
at all."""

from datetime import date
from typing import Any

from shared.contracts.base import Event
from shared.contracts.examples import story
from shared.contracts.matching import MatchAttendee
from shared.contracts.scheduling import (
    AppointmentArrived,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentCertaintyChanged,
    AppointmentCorrected,
    AppointmentDisplaced,
    AppointmentFulfilled,
    AppointmentHeld,
    AppointmentNoShow,
    AppointmentReleased,
    AppointmentRescheduled,
    CapacityChanged,
    FreeMinutes,
    SiteChanged,
    SlotFreed,
    SlotNotFound,
)

HOUR: dict[str, Any] = {
    "case_id": story.CASE,
    "appointment_id": story.APPOINTMENT,
    "match_id": story.MATCH,
    "attempt": 1,
    "attendees": (MatchAttendee(attendee_id=story.ATTENDEE, person_id=story.PERSON),),
    "therapist_id": story.THERAPIST,
    "organisation": story.ORGANISATION,
    "lane": "in_person",
    "modality": "in_person",
    "site_id": story.SITE,
    "room_id": story.ROOM,
    "start": story.BEGINS,
    "end": story.ENDS,
    "time_zone": story.LAHORE_TIME,
}
FIRST_HOUR = {"start": story.FIRST_BEGINS, "end": story.FIRST_ENDS}

EXAMPLES: tuple[Event, ...] = (
    SiteChanged(
        site_id=story.SITE,
        organisation=story.ORGANISATION,
        city="Lahore",
        latitude=31.558,
        longitude=74.3507,
        time_zone=story.LAHORE_TIME,
        step_free=True,
        directions={"en": "Main gate, then ask at the front desk."},
        status="open",
        changed_at=story.ASKED,
    ),
    CapacityChanged(
        therapist_id=story.THERAPIST,
        session_minutes=50,
        free=(
            FreeMinutes(
                lane="in_person",
                site_id=story.SITE,
                week=date(2026, 11, 30),
                day_part="evening",
                minutes=150,
            ),
        ),
        changed_at=story.SOON,
    ),
    AppointmentHeld(**HOUR, version=4, by="clinic", changed_at=story.SOON, held_until=story.LATER),
    AppointmentHeld(
        **HOUR | FIRST_HOUR,
        version=1,
        by="system",
        changed_at=story.SOON,
        held_until=story.LATER,
        take_by=story.SOON,
    ),
    AppointmentReleased(**HOUR, version=5, by="system", changed_at=story.LATER, reason="expired"),
    AppointmentBooked(**HOUR | FIRST_HOUR, version=1, by="system", changed_at=story.SOON),
    AppointmentRescheduled(
        **HOUR, version=2, by="person", changed_at=story.LATER, previous_start=story.FIRST_BEGINS
    ),
    AppointmentCertaintyChanged(
        **HOUR,
        version=3,
        by="system",
        changed_at=story.LATER,
        certainty="provisional",
        certainty_reason="may_be_holiday",
    ),
    AppointmentDisplaced(
        **HOUR,
        version=4,
        by="system",
        changed_at=story.LATER,
        certainty="provisional",
        certainty_reason="holiday",
        reason="holiday",
    ),
    AppointmentCancelled(**HOUR, version=3, by="person", changed_at=story.LATER, reason="cannot_come"),
    AppointmentArrived(**HOUR, version=3, by="clinic", changed_at=story.BEGINS),
    AppointmentFulfilled(**HOUR, version=4, by="therapist", changed_at=story.ENDS),
    AppointmentNoShow(**HOUR, version=3, by="clinic", changed_at=story.ENDS),
    AppointmentCorrected(**HOUR, version=4, by="clinic", changed_at=story.ENDS, mistaken="no_show"),
    SlotNotFound(
        case_id=story.CASE,
        match_id=story.MATCH,
        attempt=1,
        lane="in_person",
        reason="no_hour",
        sought_at=story.SOON,
    ),
    SlotFreed(
        therapist_id=story.THERAPIST,
        lane="in_person",
        site_id=story.SITE,
        start=story.BEGINS,
        end=story.ENDS,
        freed_at=story.LATER,
    ),
)
