"""Hours on days that may become holidays: marked when one is entered, firm again when it is dropped, displaced when it
comes. Nothing is moved by itself.

It is done by due rows, after the holiday stands: whoever books from then on sees it, and whoever did before has finished.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from services.scheduling.domain.appointments import Appointment
from services.scheduling.domain.certainty import reconsidered
from services.scheduling.domain.holidays import Holiday
from services.scheduling.domain.wall_time import moment_of
from services.scheduling.handlers import announcing
from services.scheduling.repository import certainty, fences, roster
from services.scheduling.repository.certainty import Stretch
from shared.messaging import Due, Transaction

RECONSIDER = "reconsider_hours"
AT_ONCE = 200
A_DAY = timedelta(days=1)
FIRST = UUID(int=0)


async def reconsider_days(tx: Transaction, holidays: Collection[Holiday], version: int) -> None:
    """The booked hours of these days are looked at once more, soon. `holidays` are one as it was and as it is."""
    await tx.schedule(
        [
            Due(RECONSIDER, f"{one.id} {version} {place}", tx.now, _body(one))
            for place, one in enumerate(holidays)
        ]
    )


async def reconsider_hours(dues: Sequence[Due], tx: Transaction) -> None:
    """A page of each: what has become more or less certain is written and said."""
    pages = [(due, await certainty.page(tx, _stretch(due), AT_ONCE)) for due in dues]
    seen = {one.id: one for _, page in pages for one in page}
    await fences.lock(tx, {one.case_id for one in seen.values()})
    standing = await certainty.booked(tx, seen)
    therapists = await roster.read(tx, {one.therapist_id for one in standing})
    changed = [
        (one, after)
        for one in standing
        if (known := therapists.get(one.therapist_id)) and known.calendar
        if (after := reconsidered(one, known.calendar)) != one
    ]
    await certainty.save(tx, [after for _, after in changed])
    await tx.schedule([_next(due, page[-1], tx.now) for due, page in pages if len(page) == AT_ONCE])
    tx.emit(announcing.reconsidered(before, after, tx) for before, after in changed)


def _body(holiday: Holiday) -> dict[str, str]:
    """The days as the clock shows them in the zone, and a day around them."""
    since = datetime.combine(holiday.first_day, time(), UTC) - A_DAY
    until = datetime.combine(holiday.last_day, time(), UTC) + 2 * A_DAY
    return {
        "time_zone": holiday.time_zone,
        "since": since.isoformat(),
        "until": until.isoformat(),
        "after": since.isoformat(),
        "after_id": str(FIRST),
    }


def _next(due: Due, last: Appointment, now: datetime) -> Due:
    behind = {"after": moment_of(last.start).isoformat(), "after_id": str(last.id)}
    return Due(due.kind, due.key, now, due.body | behind, due.traceparent)


def _stretch(due: Due) -> Stretch:
    said = due.body
    since, until, after = (datetime.fromisoformat(said[name]) for name in ("since", "until", "after"))
    return Stretch(said["time_zone"], since, until, (after, UUID(said["after_id"])))


DUE_HANDLERS = {RECONSIDER: reconsider_hours}
