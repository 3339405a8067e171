"""What people and staff ask of an appointment over HTTP: to see it, to give it back, to move it."""

from functools import partial
from uuid import UUID

from services.scheduling.domain import changes
from services.scheduling.domain.appointments import Appointment, Change, cancelled, moved, resources_of
from services.scheduling.domain.booking import Hour, asked_for
from services.scheduling.domain.changes import Caller, Move
from services.scheduling.domain.wall_time import minute_after
from services.scheduling.handlers import announcing
from services.scheduling.handlers.capacity import may_have_risen
from services.scheduling.repository import appointments, diary, fences, resources
from shared.messaging import Transaction


async def show(tx: Transaction, appointment_id: UUID, caller: Caller) -> Appointment:
    """One appointment of the caller's. Raises Refused."""
    return changes.seen_by(caller, await appointments.find(tx, appointment_id))


async def cancel(
    tx: Transaction, appointment_id: UUID, caller: Caller, reason: str, seen: int | None
) -> Appointment:
    """Gives it back; cancelling what is cancelled changes nothing. Raises Refused."""
    appointment = await lock(tx, appointment_id, caller)
    if appointment.state == "cancelled":
        return appointment
    changes.check_open(appointment, seen, minute_after(tx.now), "booked", "arrived")
    change = Change(caller.by, reason)
    await resources.lock(tx, {}, resources_of([appointment]))
    await appointments.cancel(tx, [(appointment, change)])
    await may_have_risen(tx, [appointment.therapist_id])
    gone = cancelled(appointment)
    tx.emit([announcing.cancelled(gone, change, tx)])
    return gone


async def reschedule(
    tx: Transaction, appointment_id: UUID, caller: Caller, move: Move, seen: int | None
) -> Appointment:
    """The same appointment at another start, with the same therapist; where it is already nothing changes.
    Raises Refused, with other starts when this one is not free: at once when somebody has it, and again under
    the locks."""
    now = minute_after(tx.now)
    appointment = await lock(tx, appointment_id, caller)
    changes.check_open(appointment, seen, now, "booked")
    changes.check_move(appointment, move, caller)
    changes.check_start(move.start, now)
    if move.start == appointment.start:
        return appointment
    asked = asked_for([changes.move_anywhere(appointment, now)])
    seen_board = await diary.read_board(tx, await diary.look(tx, asked), locked=False, without=appointment_id)
    changes.moved_hour(appointment, move.start, changes.without_own(appointment, seen_board))

    floor = await diary.lock(tx, asked, resources_of([appointment]))
    await appointments.release(tx, [appointment])
    decide = partial(changes.moved_hour, appointment, move.start)
    (hour,) = await diary.reserve(tx, floor, decide, {appointment.case_id: appointment.id})
    return await _move(tx, appointment, moved(appointment, hour, move.certainty), hour, Change(caller.by))


async def lock(tx: Transaction, appointment_id: UUID, caller: Caller) -> Appointment:
    """The appointment as it stands once its case is ours. Raises Refused."""
    appointment = await show(tx, appointment_id, caller)
    await fences.lock(tx, [appointment.case_id])
    return await show(tx, appointment_id, caller)


async def _move(
    tx: Transaction, appointment: Appointment, after: Appointment, hour: Hour, change: Change
) -> Appointment:
    same_week = after.week == appointment.week
    await appointments.move(tx, after, hour.weekly_limit, change, same_week=same_week)
    await may_have_risen(tx, [after.therapist_id])
    tx.emit([announcing.rescheduled(after, appointment, change, tx)])
    return after
