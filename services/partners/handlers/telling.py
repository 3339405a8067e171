"""Kafka in: an appointment's change is told to the organisation it belongs to, and nothing of the case with it."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from secrets import token_bytes
from typing import Any

from services.partners.domain import bookings
from services.partners.domain.bookings import STANDING, Known, News
from services.partners.repository import bookings as repository
from services.partners.repository.bookings import Change, Row
from shared.contracts.base import Event
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
from shared.contracts.scheduling import (
    Appointment,
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
)
from shared.messaging import Transaction

# How a booking stands after each change of its appointment.
STATUS: Mapping[type[Appointment], str] = {
    AppointmentHeld: "held",
    AppointmentReleased: "cancelled",
    AppointmentBooked: "booked",
    AppointmentRescheduled: "booked",
    AppointmentCertaintyChanged: "booked",
    AppointmentDisplaced: "booked",
    AppointmentCancelled: "cancelled",
    AppointmentArrived: "arrived",
    AppointmentFulfilled: "fulfilled",
    AppointmentNoShow: "no_show",
    AppointmentCorrected: "booked",
}
# What needs no more than is said of every booking.
PLAIN: Mapping[str, type[Booking]] = {
    "booked": BookingBooked,
    "arrived": BookingArrived,
    "fulfilled": BookingFulfilled,
    "no_show": BookingNoShow,
}

Handlers = Mapping[type[Event], Callable[..., Awaitable[Any]]]


class Projection:
    """Keeps everybody's bookings and tells those who listen; `with_topic` are who reads a Kafka topic of their own."""

    def __init__(self, with_topic: Collection[str]) -> None:
        self._with_topic = frozenset(with_topic)

    def handlers(self) -> Handlers:
        """What partners hears."""
        return dict.fromkeys(STATUS, self.tell)

    async def tell(self, events: Sequence[Appointment], tx: Transaction) -> None:
        """One booking event per appointment event, in its organisation's own sequence: in the feed, and on the topic."""
        by_id = {event.appointment_id: event for event in events}
        known = await repository.known_bookings(tx, sorted(by_id))
        news = bookings.fresh([_news(event) for event in events], known)
        reached = await repository.advance(tx, [one.organisation for one in news], self._with_topic)
        heard = [by_id[one.appointment_id] for one in news]
        rows = [
            _row(tx, event, known.get(event.appointment_id), position)
            for event, position in zip(heard, bookings.positions(news, reached), strict=True)
        ]
        told = [_booking(event, row) for event, row in zip(heard, rows, strict=True)]
        await repository.save_bookings(tx, rows)
        await repository.save_changes(tx, [_change(one, row) for one, row in zip(told, rows, strict=True)])
        on_topic = [
            (one, row) for one, row in zip(told, rows, strict=True) if one.organisation in self._with_topic
        ]
        tx.emit([one for one, _ in on_topic], causes=[str(row.case_id) for _, row in on_topic])


def _news(event: Appointment) -> News:
    return News(event.appointment_id, event.organisation, event.version)


def _row(tx: Transaction, event: Appointment, known: Known | None, position: int) -> Row:
    return Row(
        appointment_id=event.appointment_id,
        booking_ref=known.booking_ref if known else bookings.reference(token_bytes(8)),
        case_id=event.case_id,
        organisation=event.organisation,
        version=event.version,
        status=STATUS[type(event)],
        position=position,
        traceparent=tx.traceparent_of(str(event.case_id)),
    )


def _change(told: Booking, row: Row) -> Change:
    return Change(row, told.type_name, told.model_dump(mode="json"), told.status in STANDING, told.end)


def _booking(event: Appointment, row: Row) -> Booking:
    said = _said(event, row)
    match event:
        case AppointmentRescheduled(previous_start=previous):
            return BookingRescheduled(**said, previous_start=previous)
        case AppointmentHeld(held_until=until):
            return BookingHeld(**said, held_until=until)
        case AppointmentCancelled(reason=reason) | AppointmentReleased(reason=reason):
            return BookingCancelled(**said, reason=reason)
        case _:
            return PLAIN[row.status](**said)


def _said(event: Appointment, row: Row) -> dict[str, Any]:
    """Field by field: what is not named here cannot reach a partner."""
    return {
        "booking_ref": row.booking_ref,
        "version": event.version,
        "position": row.position,
        "organisation": event.organisation,
        "practitioner": event.therapist_id,
        "site": event.site_id,
        "room": event.room_id,
        "start": event.start,
        "end": event.end,
        "time_zone": event.time_zone,
        "modality": event.modality,
        "certainty": event.certainty,
        "certainty_reason": event.certainty_reason,
        "status": row.status,
        "changed_at": event.changed_at,
    }
