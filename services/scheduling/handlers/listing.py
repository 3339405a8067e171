"""Open hours of many therapists at once, by the very predicate that books them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.scheduling.domain.availability import Need
from services.scheduling.domain.booking import Asked
from services.scheduling.domain.slots import Slot, list_slots, sites_of
from services.scheduling.repository import diary, roster
from shared.messaging import Transaction


@dataclass(frozen=True, slots=True)
class Listed:
    """Open starts of them all, in order of time, and the zone of everybody who has a calendar."""

    slots: Sequence[Slot]
    zones: Mapping[UUID, str]


async def open_slots(
    tx: Transaction,
    therapist_ids: Sequence[UUID],
    need: Need,
    most: int,
    site_ids: Sequence[UUID] = (),
) -> Listed:
    """The first `most` open starts, at these sites if any are named; without a lock, so good until somebody books.
    The same few queries for one therapist and for fifty."""
    therapists = await roster.read(tx, therapist_ids)
    sites = frozenset(site for one in therapists.values() for site in sites_of(one))
    if site_ids:
        sites &= frozenset(site_ids)
    asked = Asked(frozenset(therapists), sites, frozenset(need.people), need.last)
    board = await diary.read_board(tx, await diary.look(tx, asked), locked=False)
    zones = {who: one.calendar.time_zone for who, one in therapists.items() if one.calendar}
    return Listed(list_slots(board, need, most, sites), zones)
