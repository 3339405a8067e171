"""What begins and ends by itself with therapists is said and written on its date: one due row for each of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from services.matching.domain.credentials import Validity
from services.matching.domain.dates import as_of, next_date
from services.matching.domain.therapists import Therapist
from services.matching.handlers.announcing import therapist_changed
from services.matching.handlers.continuity import look_after
from services.matching.repository import therapists
from services.matching.repository.therapists import DUE
from shared.messaging import Due, Transaction

MOMENT = timedelta(microseconds=1)


class DateKeeper:
    """Its method is the handler of due rows."""

    def __init__(self, validity: Validity) -> None:
        self._validity = validity

    async def follow_dates(self, dues: Sequence[Due], tx: Transaction) -> None:
        """What has begun or is over by now is said; what is over is taken away, and a credential lapses."""
        known = await therapists.lock_therapists(tx, [UUID(due.key) for due in dues])
        before = {one: versioned.therapist for one, versioned in known.items()}
        after = {one: as_of(therapist, self._validity, tx.now) for one, therapist in before.items()}
        await _write(tx, before, after)
        await keep_dates(tx, list(after.values()), self._validity)
        came = {UUID(due.key): due.at for due in dues}
        tx.emit(
            therapist_changed(after[one], tx)
            for one in after
            if _differs(before[one], after[one], came[one], tx.now)
        )


async def keep_dates(tx: Transaction, described: Sequence[Therapist], validity: Validity) -> None:
    """The next date of each of these comes due, and whoever is booked with them is looked after. Their rows, and the
    due rows before them, are locked."""
    found = {str(one.id): next_date(one, validity, tx.now) for one in described}
    await tx.unschedule(DUE, [key for key, at in found.items() if at is None])
    await tx.schedule(
        [Due(DUE, key, at, traceparent=tx.traceparent_of(key)) for key, at in found.items() if at]
    )
    await look_after(tx, [one.id for one in described])


async def _write(tx: Transaction, before: Mapping[UUID, Therapist], after: Mapping[UUID, Therapist]) -> None:
    over = [one for one in after if after[one].suspension != before[one].suspension]
    await therapists.put_suspensions(tx, dict.fromkeys(over))
    lapsed = {
        one: therapist.profile.register_status
        for one, therapist in after.items()
        if therapist.profile != before[one].profile
    }
    await therapists.put_register_status(tx, lapsed)


def _differs(before: Therapist, after: Therapist, came: datetime, now: datetime) -> bool:
    """Whether others see somebody else now than before the date came: a warning is nothing to them."""
    standing = before.standing(came - MOMENT) != after.standing(now)
    return standing or before.profile.register_status != after.profile.register_status
