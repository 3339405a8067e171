"""What is left of therapists' time, as scheduling says it: whom it makes no sense to ask for an hour."""

from collections.abc import Sequence
from datetime import timedelta

from services.matching.domain.vocabulary import LANES
from services.matching.repository import therapists
from shared.contracts.scheduling import CapacityChanged
from shared.messaging import Transaction

# Whoever waits for an hour is searched this soon; many that come free one after the other wake the list once.
SOON = timedelta(seconds=1)


async def know_capacity(events: Sequence[CapacityChanged], tx: Transaction) -> None:
    """The lanes that are full; one that is not any more may be room for whoever waits."""
    open_lanes = {event.therapist_id: {free.lane for free in event.free} for event in events}
    risen = await therapists.put_full_lanes(
        tx, {who: [lane for lane in LANES if lane not in lanes] for who, lanes in open_lanes.items()}
    )
    if risen:
        await tx.hasten("wake", ["all"], tx.now + SOON)
