"""What scheduling hears: one function per event type, for the workers of each lane and for the projections."""

from collections.abc import Awaitable, Callable

from services.scheduling.handlers import knowing, matches
from shared.contracts.base import Event
from shared.contracts.intake import ConsentChanged
from shared.contracts.matching import MatchMade, MatchWithdrawn, TherapistChanged

Handlers = dict[type[Event], Callable[..., Awaitable[None]]]

HANDLERS: Handlers = {
    MatchMade: matches.book_matches,
    MatchWithdrawn: matches.withdraw_matches,
}

# Matches that waited for a therapist or for consent are booked by whoever brings the news.
KNOWING_HANDLERS: Handlers = HANDLERS | {
    TherapistChanged: knowing.record_therapists,
    ConsentChanged: knowing.follow_consent,
}
