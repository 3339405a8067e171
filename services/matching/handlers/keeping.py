"""Hours that scheduling keeps while people choose: a projection, so that they are shown and counted. It says nothing."""

from collections.abc import Sequence

from services.matching.domain.cases import kept_by
from services.matching.domain.offers import KeptHour, follow
from services.matching.handlers.standing import settle
from services.matching.repository import cases, offers
from shared.contracts.scheduling import AppointmentHeld, AppointmentReleased
from shared.messaging import Transaction


async def follow_kept_hours(events: Sequence[AppointmentHeld | AppointmentReleased], tx: Transaction) -> None:
    """An hour is kept for an offer that is open, or is not any more: its therapist's load counts it as long. What staff
    keep for a case is of no offer."""
    known = await cases.lock_cases(tx, [event.case_id for event in events])
    standing = await offers.open_offers(tx, list(known))
    told = [
        (offer, follow(offer, _hour(event)))
        for event in events
        if (offer := standing.get(event.case_id)) and offer.match_id == event.match_id
    ]
    changed = [after for offer, after in told if after != offer]
    await offers.follow_hours(tx, changed)
    pairs = [
        (known[one.case_id], kept_by(known[one.case_id], one.kept.therapist_id if one.kept.until else None))
        for one in changed
        if one.kept
    ]
    await settle(tx, [(case, after) for case, after in pairs if case != after])


def _hour(event: AppointmentHeld | AppointmentReleased) -> KeptHour:
    until = event.take_by if isinstance(event, AppointmentHeld) else None
    return KeptHour(event.version, event.therapist_id, event.start, event.end, until)
