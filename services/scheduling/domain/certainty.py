"""How certain an hour is that was booked before a holiday was heard of, or before it was known whether it comes. It stays
where it is: only people move it."""

from dataclasses import replace

from services.scheduling.domain.appointments import OF_HOLIDAYS, Appointment, Why
from services.scheduling.domain.calendars import Calendar, closed_by_holiday, may_close


def reconsidered(appointment: Appointment, calendar: Calendar) -> Appointment:
    """The appointment as certain as its calendar lets it be now, its version risen; the same one where nothing is new.
    What staff have yet to confirm stays so, unless there is a holiday for sure."""
    why = _why(appointment, calendar)
    if why == appointment.why or (why != "holiday" and appointment.why == "to_be_confirmed"):
        return appointment
    if why is None and appointment.why not in OF_HOLIDAYS:
        return appointment
    return replace(appointment, why=why, version=appointment.version + 1)


def _why(appointment: Appointment, calendar: Calendar) -> Why | None:
    where = (appointment.lane, appointment.site_id, appointment.start, appointment.end)
    if closed_by_holiday(calendar, *where):
        return "holiday"
    return "may_be_holiday" if may_close(calendar, *where) else None
