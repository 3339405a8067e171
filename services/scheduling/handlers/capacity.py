"""What is left of therapists' time is told to whoever finds therapists, every few seconds and only when it changed.

An hour where there was none is told at once, for somebody may wait for it: whoever frees one leaves a due row for its
therapist. The look of every few seconds finds everything else, and whatever that may have missed.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from services.scheduling.domain import capacity as domain
from services.scheduling.domain.booking import Asked
from services.scheduling.domain.capacity import HORIZON_DAYS, Free, free_of
from services.scheduling.domain.slots import sites_of
from services.scheduling.domain.wall_time import DAY, minute_after
from services.scheduling.repository import capacity, diary, roster
from shared.contracts.scheduling import CapacityChanged, FreeMinutes
from shared.messaging import Due, Transaction

RISEN = "capacity_risen"
EVERY = timedelta(seconds=10)
UNSEEN = timedelta(hours=6)
UNSEEN_AT_ONCE = 100
# Counted between two waits for the database: a holiday changes everybody, and who has this process meanwhile is to be served.
COUNTED_AT_ONCE = 200


async def tell_capacity(dues: Sequence[Due], tx: Transaction) -> None:
    """Counts again whose hours may have changed. Without locks: what is booked meanwhile is seen the next time."""
    (due,) = dues
    await capacity.take_turn(tx)
    changed = await capacity.changed(tx, due.body["since"], tx.now - UNSEEN, UNSEEN_AT_ONCE)
    for first in range(0, len(changed.therapist_ids), COUNTED_AT_ONCE):
        await _tell(tx, changed.therapist_ids[first : first + COUNTED_AT_ONCE])
    await tx.schedule([Due("capacity", "all", tx.now + EVERY, {"since": changed.begin_next})])


async def tell_risen(dues: Sequence[Due], tx: Transaction) -> None:
    """Counts again who had no hour and may have one now."""
    await capacity.take_turn(tx)
    await _tell(tx, list({UUID(due.body["therapist_id"]) for due in dues}))


async def may_have_risen(tx: Transaction, therapist_ids: Iterable[UUID]) -> None:
    """Something of these was given back or opened: those who were told to have nothing in a lane are looked at now."""
    risen = await capacity.told_full(tx, set(therapist_ids))
    # A row of its own each time: nobody who books waits for whoever is telling of the time before.
    await tx.schedule([Due(RISEN, str(tx.new_id()), tx.now, {"therapist_id": str(one)}) for one in risen])


async def _tell(tx: Transaction, therapist_ids: Sequence[UUID]) -> None:
    therapists = await roster.read(tx, therapist_ids)
    sites = frozenset(site for one in therapists.values() for site in sites_of(one))
    until = minute_after(tx.now) + HORIZON_DAYS * DAY
    floor = await diary.look(tx, Asked(frozenset(therapists), sites, frozenset(), until))
    board = await diary.read_board(tx, floor, locked=False)
    before = await capacity.said(tx, therapist_ids)

    # Of who has no calendar yet nothing is known, and to say "full" would keep people away who could come.
    free = {
        one.id: free_of(one, board)
        for one in therapists.values()
        if one.calendar is not None or one.id in before
    }
    told = {who: left for who, left in free.items() if before.get(who) != capacity.stored(left)}

    await capacity.save(tx, free)
    tx.emit(
        CapacityChanged(
            therapist_id=who,
            session_minutes=domain.LENGTH,
            free=tuple(map(_said, left)),
            changed_at=tx.now,
        )
        for who, left in told.items()
    )


def _said(free: Free) -> FreeMinutes:
    return FreeMinutes(
        lane=free.lane,
        site_id=free.site_id,
        week=free.week,
        day_part=free.day_part,
        minutes=free.minutes,
    )


DUE_HANDLERS = {"capacity": tell_capacity, RISEN: tell_risen}
