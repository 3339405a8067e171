"""What is left of therapists' time, as scheduling says it: whom it makes no sense to ask for an hour."""

from collections.abc import Sequence

from services.matching.domain.vocabulary import LANES
from services.matching.repository import therapists
from shared.contracts.scheduling import CapacityChanged
from shared.messaging import Transaction


async def know_capacity(events: Sequence[CapacityChanged], tx: Transaction) -> None:
    """The lanes that are full; one that is not any more may be room for whoever waits."""
    open_lanes = {event.therapist_id: {free.lane for free in event.free} for event in events}
    await therapists.put_full_lanes(
        tx, {who: [lane for lane in LANES if lane not in lanes] for who, lanes in open_lanes.items()}
    )
