"""What people and staff ask of an appointment over HTTP: to see it, to give it back, to move it."""

from dataclasses import replace
from functools import partial
from uuid import UUID

from services.scheduling.domain import changes
from services.scheduling.domain.appointments import (
    Appointment,
    By,
    Change,
    cancelled,
    moved,
    resources_of,
    said_of,
)
from services.scheduling.domain.booking import asked_for
from services.scheduling.domain.changes import Caller, Move
from services.scheduling.domain.wall_time import minute_after
from services.scheduling.handlers import announcing, holding
from services.scheduling.handlers.capacity import may_have_risen
from services.scheduling.repository import appointments, diary, fences, places, resources
from shared.messaging import Transaction


async def show(tx: Transaction, appointment_id: UUID, caller: Caller) -> Appointment:
    """One appointment of the caller's. Raises Refused."""
    return changes.seen_by(caller, await appointments.find(tx, appointment_id))


async def cancel(
    tx: Transaction, appointment_id: UUID, caller: Caller, reason: str, seen: int | None, by: By | None = None
) -> Appointment:
    """Gives it back, staff on whose wish `by` says; cancelling what is cancelled changes nothing. Raises Refused."""
    change = Change(changes.changed_by(caller, by), reason)
    appointment = await lock(tx, appointment_id, caller)
    if appointment.state == "cancelled":
        return appointment
    changes.check_open(appointment, seen, minute_after(tx.now), "booked", "arrived")
    await resources.lock(tx, {}, resources_of([appointment]))
    await appointments.cancel(tx, [(appointment, change)])
    await may_have_risen(tx, [appointment.therapist_id])
    gone = cancelled(appointment)
    tx.emit([announcing.cancelled(gone, change, tx)])
    await holding.tell_freed(tx, [appointment])
    return gone


async def reschedule(
    tx: Transaction, appointment_id: UUID, caller: Caller, move: Move, seen: int | None
) -> Appointment:
    """The same appointment with the same therapist at another start, at another site or met in another way; where
    and how it is already nothing changes. Raises Refused, with other starts when this one is not free: at once when
    somebody has it, and again under the locks."""
    now, change = minute_after(tx.now), Change(changes.changed_by(caller, move.by))
    appointment = await lock(tx, appointment_id, caller)
    changes.check_open(appointment, seen, now, "booked")
    there = changes.aimed(appointment, move, caller)
    changes.check_start(move.start, now, any_minute=caller.by != "person")
    if move.start != appointment.start or changes.needs_another_place(appointment, there):
        return await _move(tx, appointment, there, move, change)
    if there == appointment:
        return appointment
    # Only the way to meet is another: all that is taken stays taken, whatever the calendar says by now.
    after = said_of(replace(there, version=there.version + 1), move.certainty)
    await appointments.move(tx, after, change)
    tx.emit([announcing.rescheduled(after, appointment, change, tx)])
    return after


async def lock(tx: Transaction, appointment_id: UUID, caller: Caller) -> Appointment:
    """The appointment as it stands once its case is ours. Raises Refused."""
    appointment = await show(tx, appointment_id, caller)
    await fences.lock(tx, [appointment.case_id])
    return await show(tx, appointment_id, caller)


async def _move(
    tx: Transaction, appointment: Appointment, there: Appointment, move: Move, change: Change
) -> Appointment:
    zones = await places.zones(tx, {there.site_id} if there.site_id else set())
    time_zone = changes.zone_there(there, zones)
    asked = asked_for([changes.move_anywhere(there, minute_after(tx.now))])
    seen_board = await diary.read_board(tx, await diary.look(tx, asked), locked=False, without=appointment.id)
    changes.moved_hour(appointment, there, move.start, changes.without_own(appointment, seen_board))

    # What it has and what it is to have, at both places, are locked together.
    floor = await diary.lock(tx, asked, resources_of([appointment]))
    await appointments.release(tx, [appointment])
    decide = partial(changes.moved_hour, appointment, there, move.start)
    (hour,) = await diary.reserve(tx, floor, decide, {appointment.case_id: appointment.id})
    after = moved(there, hour, time_zone, move.certainty)
    await appointments.move(tx, after, change)
    limits = {(after.therapist_id, after.week): hour.weekly_limit}
    await appointments.count(tx, limits, [after], stay=after.week == appointment.week)
    await may_have_risen(tx, [after.therapist_id])
    tx.emit([announcing.rescheduled(after, appointment, change, tx)])
    await holding.tell_freed(tx, [appointment])
    return after
