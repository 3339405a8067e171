"""What staff say of a booked hour over HTTP: that it stands, that somebody came, what became of it."""

from uuid import UUID

from services.scheduling.domain.appointments import Appointment, Change
from services.scheduling.domain.attendance import Step, after_step
from services.scheduling.domain.changes import Caller
from services.scheduling.domain.wall_time import minute_of
from services.scheduling.handlers import announcing
from services.scheduling.handlers.changing import lock
from services.scheduling.repository import appointments
from shared.messaging import Transaction


async def take_step(
    tx: Transaction, appointment_id: UUID, caller: Caller, step: Step, seen: int | None
) -> Appointment:
    """The appointment after this step; taken twice it changes nothing. Raises Refused."""
    appointment = await lock(tx, appointment_id, caller)
    after = after_step(appointment, step, seen, minute_of(tx.now))
    if after == appointment:
        return after
    await appointments.take_step(tx, after, step, Change(caller.by))
    tx.emit([announcing.stepped(after, step, caller.by, tx)])
    return after
