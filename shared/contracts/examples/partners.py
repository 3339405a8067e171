"""What a partner hears of the story: an hour of one of its practitioners, and nothing of who comes."""

from typing import Any

from shared.contracts.examples import story
from shared.contracts.partners import (
    Booking,
    BookingArrived,
    BookingBooked,
    BookingCancelled,
    BookingFulfilled,
    BookingHeld,
    BookingNoShow,
    BookingRescheduled,
)

BOOKING: dict[str, Any] = {
    "booking_ref": story.BOOKING,
    "organisation": story.ORGANISATION,
    "practitioner": story.THERAPIST,
    "site": story.SITE,
    "room": story.ROOM,
    "start": story.BEGINS,
    "end": story.ENDS,
    "time_zone": story.LAHORE_TIME,
    "modality": "in_person",
    "certainty": "firm",
}
FIRST_HOUR = {"start": story.FIRST_BEGINS, "end": story.FIRST_ENDS}

EXAMPLES: tuple[Booking, ...] = (
    BookingHeld(
        **BOOKING | FIRST_HOUR,
        version=1,
        position=40,
        status="held",
        changed_at=story.ASKED,
        held_until=story.LATER,
    ),
    BookingBooked(
        **BOOKING | FIRST_HOUR,
        version=2,
        position=41,
        status="booked",
        changed_at=story.SOON,
    ),
    BookingRescheduled(
        **BOOKING,
        version=3,
        position=44,
        status="booked",
        changed_at=story.LATER,
        previous_start=story.FIRST_BEGINS,
    ),
    BookingCancelled(
        **BOOKING, version=4, position=47, status="cancelled", changed_at=story.LATER, reason="cannot_come"
    ),
    BookingArrived(**BOOKING, version=4, position=52, status="arrived", changed_at=story.BEGINS),
    BookingFulfilled(**BOOKING, version=5, position=53, status="fulfilled", changed_at=story.ENDS),
    BookingNoShow(**BOOKING, version=4, position=53, status="no_show", changed_at=story.ENDS),
)
