"""Open hours of many therapists at once, by the very predicate that books them."""

from collections.abc import Sequence
from uuid import UUID

from services.scheduling.domain.availability import Need
from services.scheduling.domain.booking import Asked
from services.scheduling.domain.slots import Slot, list_slots, sites_of
from services.scheduling.repository import diary, roster
from shared.messaging import Transaction


async def open_slots(tx: Transaction, therapist_ids: Sequence[UUID], need: Need, most: int) -> list[Slot]:
    """The first `most` open starts, in order of time; without a lock, so good until somebody books."""
    therapists = await roster.read(tx, therapist_ids)
    sites = frozenset(site for one in therapists.values() for site in sites_of(one))
    asked = Asked(frozenset(therapists), sites, frozenset(need.people), need.last)
    board = await diary.read_board(tx, await diary.look(tx, asked), locked=False)
    return list_slots(board, need, most)
