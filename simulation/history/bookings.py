"""Nobody is in two places at once: a sweep of our own, which knows nothing of the database's constraint."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from uuid import UUID

from simulation.history.facts import Appointment, History, Reservation

Span = tuple[UUID, datetime, datetime, str]


def overlapping_appointments(history: History) -> Iterator[str]:
    """Live appointments that share a therapist, a room or a person at the same time."""
    yield from sweep(
        (resource, a.start, a.end, str(a.appointment_id))
        for a in history.appointments
        if a.live
        for resource in (a.therapist_id, *a.people, *([a.room_id] if a.room_id else []))
    )


def overlapping_reservations(history: History) -> Iterator[str]:
    """Reservations of one resource that overlap, buffers included, of appointments and of holds that have not run out."""
    booked = {one.appointment_id for one in history.reservations}  # perhaps between two looks at it
    taken = (*history.reservations, *(one for one in history.held if one.appointment_id not in booked))
    yield from sweep((r.resource_id, r.start, r.end, str(r.appointment_id)) for r in taken)


def lost_kept_hours(history: History) -> Iterator[str]:
    """Hours that were kept, that their person took in time, and that were not booked for them all the same."""
    yield from (str(one.hold_id) for one in history.kept_hours if one.taken and one.state != "confirmed")


def incomplete_appointments(history: History) -> Iterator[str]:
    """Live appointments that lack a reservation they need, or have one too many; and reservations of nothing."""
    there: dict[UUID | None, list[Reservation]] = defaultdict(list)
    for reservation in history.reservations:
        there[reservation.appointment_id].append(reservation)
    live = {appointment.appointment_id for appointment in history.appointments if appointment.live}
    for appointment_id in live:
        if not _same(there[appointment_id], history.needed.get(appointment_id, ())):
            yield str(appointment_id)
    yield from (str(appointment_id) for appointment_id in there if appointment_id not in live)


def sweep(spans: Iterable[Span]) -> Iterator[str]:
    """Per resource, by start: whatever starts before everything earlier has ended overlaps."""
    resource, until, before = None, None, ""
    for owner, start, end, name in sorted(spans, key=lambda span: (span[0].int, span[1], span[2])):
        if owner == resource and until is not None and start < until:
            yield f"{owner}: {before} and {name}"
        if owner != resource or until is None or end > until:
            resource, until, before = owner, end, name


def partner_differs(history: History) -> Iterator[str]:
    """Live appointments of a partner's organisation that it has otherwise, or not, or that it has wrongly."""
    own = history.own_appointments()
    ours = {one.appointment_id: one for one in own if one.organisation in history.partners}
    for booking in history.bookings:
        known = ours.pop(history.references.get(booking.booking_ref, UUID(int=0)), None)
        if known is None or _as_told(known) != tuple(booking)[1:]:
            yield booking.booking_ref
    yield from (str(appointment_id) for appointment_id in ours)


def partner_complains(history: History) -> Iterator[str]:
    """What partners themselves noticed: positions that never came, versions out of order."""
    yield from history.complaints


def _as_told(own: Appointment) -> tuple[object, ...]:
    return (own.organisation, own.version, own.therapist_id, own.site_id, own.room_id, own.start, own.end)


def _same(there: Sequence[Reservation], needed: Sequence[Reservation]) -> bool:
    return sorted(there, key=_order) == sorted(needed, key=_order)


def _order(reservation: Reservation) -> tuple[int, datetime]:
    return (reservation.resource_id.int, reservation.start)
