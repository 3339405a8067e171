"""HTTP in: an organisation reads its own feed and its own bookings."""

from typing import Literal

from services.partners.domain import feed
from services.partners.domain.feed import Feed, Told, Walk
from services.partners.repository import feed as repository
from shared.messaging import Transaction


async def read_feed(
    organisation: str, after: int, limit: int, tx: Transaction
) -> tuple[Literal["fits", "gone", "ahead"], Feed]:
    """Whether the caller can go on after that position, and what comes then."""
    found = await repository.page(tx, organisation, after, limit)
    return feed.fits(after, found), found


async def read_snapshot(
    organisation: str, walk: Walk | None, limit: int, tx: Transaction
) -> tuple[Walk, list[Told]] | None:
    """A page of the bookings that stand, all pages as of the first one's position; None where that is no longer possible."""
    last = (await repository.last_positions(tx, [organisation])).get(organisation, 0)
    walk = walk or Walk(last, tx.now, "")
    if not feed.may_go_on(walk, last, tx.now):
        return None
    return walk, await repository.bookings_as_of(tx, organisation, walk, limit)
