"""What staff say of a booked hour over HTTP: that it stands, that somebody came, what became of it."""

from datetime import timedelta
from uuid import UUID

from services.scheduling.domain.appointments import Appointment, Change
from services.scheduling.domain.attendance import Step, after_step, mistaken_of, undone
from services.scheduling.domain.changes import Caller
from services.scheduling.domain.holds import check_alone
from services.scheduling.domain.wall_time import minute_of
from services.scheduling.handlers import announcing
from services.scheduling.handlers.changing import lock
from services.scheduling.repository import appointments, fences, holds
from shared.messaging import Transaction


async def take_step(
    tx: Transaction, appointment_id: UUID, caller: Caller, step: Step, seen: int | None
) -> Appointment:
    """The appointment after this step; taken twice it changes nothing. Raises Refused."""
    appointment = await lock(tx, appointment_id, caller)
    after = after_step(appointment, step, seen, minute_of(tx.now))
    if after == appointment:
        return after
    await appointments.take_step(tx, appointment, after, step, Change(caller.by))
    tx.emit([announcing.stepped(after, step, caller.by, tx)])
    return after


async def undo(
    tx: Transaction, appointment_id: UUID, caller: Caller, seen: int | None, within: timedelta
) -> Appointment:
    """The appointment as before somebody said by mistake who came, for so long after it. Raises Refused: also where the
    case was looked after otherwise because of it."""
    appointment = await lock(tx, appointment_id, caller)
    last = await appointments.last_step(tx, appointment)
    after = undone(appointment, last, seen, tx.now, within)
    fence = (await fences.lock(tx, [appointment.case_id]))[appointment.case_id]
    check_alone(
        appointment,
        fence,
        await appointments.live(tx, [appointment.case_id]),
        await holds.live(tx, [appointment.case_id]),
        tx.now,
    )
    await appointments.take_step(tx, appointment, after, "undo", Change(caller.by))
    tx.emit([announcing.corrected(after, mistaken_of(appointment), caller.by, tx)])
    return after
