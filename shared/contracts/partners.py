"""The partner contract: what an outside organisation hears about its own bookings. No case, no person."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict

from shared.contracts.base import Event, Modality


class Booking(Event):
    """What every booking event carries; `position` rises by one per organisation without gaps."""

    # The fields' docstrings stand in the schema: outside, nobody reads this file.
    model_config = ConfigDict(use_attribute_docstrings=True)

    topic: ClassVar[str] = "partners.bookings"
    key_field: ClassVar[str] = "booking_ref"

    booking_ref: str
    """Names the booking for ever; random, so it tells nothing. Also the record's key."""
    version: int
    """Rises by one with each change of the booking."""
    position: int
    """Rises by one with each event of the organisation, without gaps."""
    organisation: str
    practitioner: UUID
    """Whose hour it is."""
    site: UUID | None
    """Where they meet; null online."""
    room: UUID | None
    """The room at the site; null online."""
    start: AwareDatetime
    end: AwareDatetime
    time_zone: str
    """The place's, as the IANA database names it; for showing."""
    modality: Modality
    certainty: Literal["firm", "provisional"]
    """`provisional` may still change."""
    certainty_reason: str | None = None
    """Why it is provisional: `to_be_confirmed`, `may_be_holiday`, `holiday`; new ones may come."""
    status: Literal["held", "booked", "arrived", "fulfilled", "no_show", "cancelled"]
    """How the booking stands after this event; new ones may come."""
    changed_at: AwareDatetime
    """When it changed at our side."""

    @property
    def destination(self) -> str:
        return f"partners.bookings.{self.organisation}"


class BookingHeld(Booking):
    """An hour is kept while somebody is asked: it is booked under the same reference, or given back."""

    type_name: ClassVar[str] = "partners.booking_held.v1"

    held_until: AwareDatetime
    """From then on the hour is free, whether or not that has been told."""


class BookingBooked(Booking):
    """An hour of one of the organisation's practitioners is taken."""

    type_name: ClassVar[str] = "partners.booking_booked.v1"


class BookingRescheduled(Booking):
    """The same booking at another time."""

    type_name: ClassVar[str] = "partners.booking_rescheduled.v1"

    previous_start: AwareDatetime
    """When it would have begun before this change."""


class BookingCancelled(Booking):
    """The booking no longer stands, or an hour that was kept is free again."""

    type_name: ClassVar[str] = "partners.booking_cancelled.v1"

    reason: str
    """A code that is safe to read aloud; new ones may come."""


class BookingArrived(Booking):
    """Whoever was expected is here, in the waiting room or in the call."""

    type_name: ClassVar[str] = "partners.booking_arrived.v1"


class BookingFulfilled(Booking):
    """The session took place."""

    type_name: ClassVar[str] = "partners.booking_fulfilled.v1"


class BookingNoShow(Booking):
    """Nobody came; the hour was kept all the same."""

    type_name: ClassVar[str] = "partners.booking_no_show.v1"


EVENTS: tuple[type[Event], ...] = (
    BookingHeld,
    BookingBooked,
    BookingRescheduled,
    BookingCancelled,
    BookingArrived,
    BookingFulfilled,
    BookingNoShow,
)
