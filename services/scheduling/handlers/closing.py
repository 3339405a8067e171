"""Hours that are kept while somebody chooses, and are closed meanwhile: given back soon, so that nobody is shown them any more.

It is done by due rows, after what closed them stands: it has the locks of therapists and rooms, and those of cases come first.
Where a choice comes sooner it finds the hour closed all the same.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

from services.scheduling.domain.appointments import Change, resources_of
from services.scheduling.domain.holds import Hold
from services.scheduling.handlers import holding
from services.scheduling.repository import fences, resources
from services.scheduling.repository import holds as repository
from shared.messaging import Due, Transaction

CLOSED = "hold_closed"
BY_US = Change("system", "closed")


async def may_have_closed(tx: Transaction, therapist_ids: Collection[UUID]) -> None:
    """Hours of these were closed, or they take nobody any more: what is kept of them for offers is given back soon. What closed
    them must be written, and locked."""
    closed = await _closed(tx, await repository.offered_with(tx, therapist_ids))
    # A row of its own each time: nobody who closes hours waits for whoever gives back those of the time before.
    await tx.schedule([_given_back(one, tx) for one in closed])


async def give_back_closed(dues: Sequence[Due], tx: Transaction) -> None:
    """One that was taken up or given back meanwhile, or is open again, is left alone."""
    ids = {UUID(due.body["hold_id"]) for due in dues}
    for due in dues:
        tx.trace(due.body["case_id"], due.traceparent)
    cases = {UUID(due.body["case_id"]) for due in dues}
    await fences.lock(tx, cases)
    seen = [one for one in await repository.live(tx, cases) if one.id in ids]
    await resources.lock(tx, {}, resources_of([one.appointment for one in seen]))
    # Once more: somebody who came after the end of one may have taken part of it before we had its locks.
    kept = [one for one in await repository.live(tx, cases) if one.id in ids]
    await holding.release(tx, [(one, BY_US) for one in await _closed(tx, kept)])


async def _closed(tx: Transaction, kept: Sequence[Hold]) -> list[Hold]:
    """Those of these whose hours are not open any more; one whose time is up ends by itself."""
    open_still = {one.id for one in await holding.still_open(tx, kept)}
    return [one for one in kept if one.id not in open_still and one.at(tx.now).state == "held"]


def _given_back(one: Hold, tx: Transaction) -> Due:
    case_id = str(one.case_id)
    body = {"hold_id": str(one.id), "case_id": case_id}
    return Due(CLOSED, str(tx.new_id()), tx.now, body, tx.traceparent_of(case_id))


DUE_HANDLERS = {CLOSED: give_back_closed}
