"""What is left of therapists' time is told to whoever finds therapists, every few seconds and only when it changed."""

from collections.abc import Sequence
from datetime import timedelta

from services.scheduling.domain import capacity as domain
from services.scheduling.domain.booking import Asked
from services.scheduling.domain.capacity import HORIZON_DAYS, Free, free_of
from services.scheduling.domain.slots import sites_of
from services.scheduling.domain.wall_time import DAY, minute_after
from services.scheduling.repository import capacity, diary, roster
from shared.contracts.scheduling import CapacityChanged, FreeMinutes
from shared.messaging import Due, Transaction

EVERY = timedelta(seconds=10)
UNSEEN = timedelta(hours=6)
UNSEEN_AT_ONCE = 100


async def tell_capacity(dues: Sequence[Due], tx: Transaction) -> None:
    """Counts again whose hours may have changed. Without locks: what is booked meanwhile is seen the next time."""
    (due,) = dues
    changed = await capacity.changed(tx, due.body["since"], tx.now - UNSEEN, UNSEEN_AT_ONCE)
    therapists = await roster.read(tx, changed.therapist_ids)
    sites = frozenset(site for one in therapists.values() for site in sites_of(one))
    until = minute_after(tx.now) + HORIZON_DAYS * DAY
    floor = await diary.look(tx, Asked(frozenset(therapists), sites, frozenset(), until))
    board = await diary.read_board(tx, floor, locked=False)
    before = await capacity.said(tx, changed.therapist_ids)

    # Of who has no calendar yet nothing is known, and to say "full" would keep people away who could come.
    free = {
        one.id: free_of(one, board)
        for one in therapists.values()
        if one.calendar is not None or one.id in before
    }
    told = {who: left for who, left in free.items() if before.get(who) != capacity.stored(left)}

    await capacity.save(tx, free)
    await tx.schedule([Due("capacity", "all", tx.now + EVERY, {"since": changed.begin_next})])
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


DUE_HANDLERS = {"capacity": tell_capacity}
