"""What became of appointments, as events. No need, name or address is known here, so none can be said."""

from collections.abc import Iterable, Mapping
from typing import Any

from services.scheduling.domain.appointments import Appointment, By, Change
from services.scheduling.domain.attendance import Mistaken, Step
from services.scheduling.domain.holds import Hold
from services.scheduling.domain.wall_time import moment_of
from shared.contracts import scheduling
from shared.contracts.matching import MatchAttendee, MatchMade
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
    SlotFreed,
    SlotNotFound,
)
from shared.messaging import Transaction

# An hour that is confirmed is told as booked once more, firm now: whoever keeps bookings needs nothing new for it.
SAID_AFTER: Mapping[Step, type[scheduling.Appointment]] = {
    "confirm": AppointmentBooked,
    "arrive": AppointmentArrived,
    "fulfil": AppointmentFulfilled,
    "no_show": AppointmentNoShow,
}


def booked(appointment: Appointment, tx: Transaction, by: By = "system") -> AppointmentBooked:
    """An hour is taken."""
    return AppointmentBooked(**_about(appointment, tx), by=by)


def held(hold: Hold, by: By, tx: Transaction) -> AppointmentHeld:
    """An hour is kept for a time."""
    return AppointmentHeld(
        **_about(hold.appointment, tx), by=by, held_until=hold.held_until, take_by=hold.take_by
    )


def released(appointment: Appointment, change: Change, tx: Transaction) -> AppointmentReleased:
    """An hour that was kept is free again."""
    return AppointmentReleased(**_about(appointment, tx), by=change.by, reason=change.reason or "not_said")


def rescheduled(
    appointment: Appointment, previous: Appointment, by: Change, tx: Transaction
) -> AppointmentRescheduled:
    """The same appointment at another hour."""
    return AppointmentRescheduled(
        **_about(appointment, tx), by=by.by, previous_start=moment_of(previous.start)
    )


def cancelled(appointment: Appointment, change: Change, tx: Transaction) -> AppointmentCancelled:
    """The hour is free again."""
    return AppointmentCancelled(**_about(appointment, tx), by=change.by, reason=change.reason or "not_said")


def stepped(appointment: Appointment, step: Step, by: By, tx: Transaction) -> scheduling.Appointment:
    """What became of it."""
    return SAID_AFTER[step](**_about(appointment, tx), by=by)


def corrected(appointment: Appointment, mistaken: Mistaken, by: By, tx: Transaction) -> AppointmentCorrected:
    """It stands again as before somebody slipped."""
    return AppointmentCorrected(**_about(appointment, tx), by=by, mistaken=mistaken)


def reconsidered(before: Appointment, after: Appointment, tx: Transaction) -> scheduling.Appointment:
    """The same hour, more or less certain. One that had lost its day and has it again is told as booked once more."""
    about = _about(after, tx) | {"by": "system"}
    if after.why == "holiday":
        return AppointmentDisplaced(**about, reason="holiday")
    return AppointmentBooked(**about) if before.why == "holiday" else AppointmentCertaintyChanged(**about)


def freed(appointments: Iterable[Appointment], tx: Transaction) -> list[SlotFreed]:
    """Hours that can be had again; nothing of the cases that had them."""
    return [
        SlotFreed(
            therapist_id=one.therapist_id,
            lane=one.lane,
            site_id=one.site_id,
            start=moment_of(one.start),
            end=moment_of(one.end),
            freed_at=tx.now,
        )
        for one in appointments
    ]


def not_found(match: MatchMade, reason: str, tx: Transaction) -> SlotNotFound:
    """No candidate had an hour."""
    return SlotNotFound(
        case_id=match.case_id,
        match_id=match.match_id,
        attempt=match.attempt,
        lane=match.lane,
        reason=reason,
        sought_at=tx.now,
    )


def _about(appointment: Appointment, tx: Transaction) -> dict[str, Any]:
    return {
        "case_id": appointment.case_id,
        "appointment_id": appointment.id,
        "version": appointment.version,
        "match_id": appointment.match_id,
        "attempt": appointment.attempt,
        "attendees": tuple(
            MatchAttendee(attendee_id=attendee, person_id=person)
            for attendee, person in zip(appointment.attendee_ids, appointment.person_ids, strict=True)
        ),
        "therapist_id": appointment.therapist_id,
        "organisation": appointment.organisation,
        "lane": appointment.lane,
        "modality": appointment.modality,
        "site_id": appointment.site_id,
        "room_id": appointment.room_id,
        "start": moment_of(appointment.start),
        "end": moment_of(appointment.end),
        "time_zone": appointment.time_zone,
        "certainty": appointment.certainty,
        "certainty_reason": appointment.why,
        "changed_at": tx.now,
    }
