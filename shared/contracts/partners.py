"""The partner contract: what an outside organisation hears about its own bookings. No case, no person."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime

from shared.contracts.base import Event, Modality


class Booking(Event):
    """What every booking event carries; `position` rises by one per organisation without gaps."""

    topic: ClassVar[str] = "partners.bookings"
    key_field: ClassVar[str] = "booking_ref"

    booking_ref: str
    version: int
    position: int
    organisation: str
    practitioner: UUID
    site: UUID | None
    room: UUID | None
    start: AwareDatetime
    end: AwareDatetime
    time_zone: str
    modality: Modality
    certainty: Literal["firm", "provisional"]
    status: Literal["booked", "cancelled"]
    changed_at: AwareDatetime

    @property
    def destination(self) -> str:
        return f"partners.bookings.{self.organisation}"


class BookingBooked(Booking):
    """An hour of one of the organisation's practitioners is taken."""

    type_name: ClassVar[str] = "partners.booking_booked.v1"


class BookingRescheduled(Booking):
    """The same booking at another time."""

    type_name: ClassVar[str] = "partners.booking_rescheduled.v1"

    previous_start: AwareDatetime


class BookingCancelled(Booking):
    """The booking no longer stands."""

    type_name: ClassVar[str] = "partners.booking_cancelled.v1"

    reason: str


EVENTS: tuple[type[Event], ...] = (BookingBooked, BookingRescheduled, BookingCancelled)
