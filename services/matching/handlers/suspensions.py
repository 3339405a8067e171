"""A therapist is taken out for a time: nobody new is sent to them, and the others hear when it begins and ends.

Matching itself never waits for a row to come due: it compares the dates with its own moment (`Directory.at`). The row
is there to tell the others, and to take away what is over (`dates.py`).
"""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.matching.domain.credentials import Validity
from services.matching.domain.therapists import Suspension, Therapist
from services.matching.handlers.announcing import therapist_changed
from services.matching.handlers.dates import keep_dates
from services.matching.handlers.profiles import Described
from services.matching.repository import therapists
from services.matching.repository.therapists import Versioned
from shared.messaging import Transaction


@dataclass(frozen=True, slots=True)
class Order:
    """A coordinator's order: a suspension, or with None that it is over. Without `begins` it begins now."""

    therapist_id: UUID
    reason: str | None
    begins: datetime | None = None
    ends: datetime | None = None
    seen: int | None = None
    traceparent: str | None = None


async def suspend_therapist(order: Order, tx: Transaction, validity: Validity) -> Described:
    """Suspends, or changes the dates of a suspension. The same again changes nothing; one that never is, is refused."""
    assert order.reason is not None
    known = await therapists.lock_therapist(tx, order.therapist_id)
    refused = _refused(known, order)
    if refused or known is None:
        return refused or Described("unknown", 0)
    suspension = Suspension(order.begins or tx.now, order.ends, order.reason)
    if suspension.is_over(max(suspension.begins, tx.now)):
        return Described("never", known.version)
    if _is_the_same(known.therapist.suspension, suspension, order, tx.now):
        return Described("unchanged", known.version, known.therapist)
    return await _put(tx, known, replace(known.therapist, suspension=suspension), order, validity)


async def resume_therapist(order: Order, tx: Transaction, validity: Validity) -> Described:
    """Ends a suspension, whether it has begun or not; who is not suspended stays as they are."""
    known = await therapists.lock_therapist(tx, order.therapist_id)
    refused = _refused(known, order)
    if refused or known is None:
        return refused or Described("unknown", 0)
    if known.therapist.suspension is None and known.therapist.profile.status == "active":
        return Described("unchanged", known.version, known.therapist)
    active = replace(known.therapist.profile, status="active")
    if active != known.therapist.profile:
        await therapists.put_therapist(tx, order.therapist_id, known.version, active)
    return await _put(tx, known, Therapist(order.therapist_id, active), order, validity)


def _refused(known: Versioned | None, order: Order) -> Described | None:
    if known is None:
        return Described("unknown", 0)
    if order.seen is not None and order.seen != known.version:
        return Described("stale", known.version)
    if known.therapist.profile.status == "left":
        return Described("left", known.version)
    return None


def _is_the_same(known: Suspension | None, wanted: Suspension, order: Order, now: datetime) -> bool:
    """Whether this stands already; an order that begins at once is met by a suspension that is in force."""
    if known is None or (known.ends, known.reason) != (wanted.ends, wanted.reason):
        return False
    return known.holds(now) if order.begins is None else known.begins == order.begins


async def _put(
    tx: Transaction, known: Versioned, after: Therapist, order: Order, validity: Validity
) -> Described:
    await therapists.put_suspensions(tx, {after.id: after.suspension})
    tx.trace(str(after.id), order.traceparent)
    await keep_dates(tx, [after], validity)
    if after.standing(tx.now) != known.therapist.standing(tx.now):
        tx.emit([therapist_changed(after, tx)])
    return Described("changed", known.version + 1, after)
