"""Kafka in: an appointment's change is told to the organisation it belongs to, and nothing of the case with it."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from secrets import token_bytes
from typing import Any

from services.partners import domain, repository
from services.partners.domain import Known, News
from services.partners.repository import Row
from shared.contracts.base import Event
from shared.contracts.partners import BookingBooked, BookingCancelled, BookingRescheduled
from shared.contracts.scheduling import (
    Appointment,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentRescheduled,
)
from shared.messaging import Transaction

Handlers = Mapping[type[Event], Callable[..., Awaitable[Any]]]


class Projection:
    """Tells the organisations that read a topic of their own."""

    def __init__(self, organisations: Collection[str]) -> None:
        self._organisations = frozenset(organisations)

    def handlers(self) -> Handlers:
        """What partners hears."""
        return dict.fromkeys((AppointmentBooked, AppointmentRescheduled, AppointmentCancelled), self.tell)

    async def tell(self, events: Sequence[Appointment], tx: Transaction) -> None:
        """One booking event per appointment event that concerns a partner, in the partner's own sequence."""
        by_id = {event.appointment_id: event for event in events}
        known = await repository.known_bookings(tx, sorted(by_id))
        news = domain.concerns([_news(event) for event in events], self._organisations, known)
        last = await repository.last_positions(tx, [one.organisation for one in news])
        told = [by_id[one.appointment_id] for one in news]
        rows = [
            _row(tx, event, known.get(event.appointment_id), position)
            for event, position in zip(told, domain.positions(news, last), strict=True)
        ]
        await repository.save_bookings(tx, rows)
        bookings = [_booking(event, row) for event, row in zip(told, rows, strict=True)]
        tx.emit(bookings, causes=[str(event.case_id) for event in told])


def _news(event: Appointment) -> News:
    return News(event.appointment_id, event.organisation, event.version)


def _row(tx: Transaction, event: Appointment, known: Known | None, position: int) -> Row:
    return Row(
        appointment_id=event.appointment_id,
        booking_ref=known.booking_ref if known else domain.reference(token_bytes(8)),
        case_id=event.case_id,
        organisation=event.organisation,
        version=event.version,
        status="cancelled" if isinstance(event, AppointmentCancelled) else "booked",
        position=position,
        traceparent=tx.traceparent_of(str(event.case_id)),
    )


def _booking(event: Appointment, row: Row) -> Event:
    said = _said(event, row)
    match event:
        case AppointmentRescheduled(previous_start=previous):
            return BookingRescheduled(**said, previous_start=previous)
        case AppointmentCancelled(reason=reason):
            return BookingCancelled(**said, reason=reason)
        case _:
            return BookingBooked(**said)


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
        "status": row.status,
        "changed_at": event.changed_at,
    }
