"""Where people are seen, as scheduling says it."""

from collections.abc import Sequence

from services.matching.domain.places import Point, Site
from services.matching.repository import therapists
from shared.contracts.scheduling import SiteChanged
from shared.messaging import Transaction


async def know_sites(events: Sequence[SiteChanged], tx: Transaction) -> None:
    """The latest of each counts; in this topic a key's events are in order."""
    sites = [Site(e.site_id, Point(e.latitude, e.longitude), e.status == "open", e.step_free) for e in events]
    await therapists.put_sites(tx, sites)
