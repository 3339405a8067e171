"""Offers: a person who wished to choose is shown a few therapists who fit, and decides once.

With one of them, the first who can spare it, an hour is kept for some time: whoever chooses it by then has it. The
others' places are nobody's: therapists would stand idle for days for each person who has not looked yet. So a choice is
checked again when it is made, by the same rules, and one that has gone meanwhile is refused by name.
What was not chosen is never booked instead: when the chosen one has no hour, the person is offered again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.matching.domain.capacity import Capacity
from services.matching.domain.decisions import Found, Offer
from services.matching.domain.directory import Directory
from services.matching.domain.requests import Request
from services.matching.domain.sieve import sieve
from services.matching.domain.vocabulary import Modality

OfferState = Literal["open", "accepted", "declined", "expired", "superseded", "withdrawn"]
DeclineReason = Literal["none_suits", "too_far", "too_expensive", "known_to_me", "rather_not_say"]


@dataclass(frozen=True, slots=True)
class Choice:
    """One therapist of an offer, and in person the sites within reach."""

    option_id: UUID
    therapist_id: UUID
    sites: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class KeptHour:
    """The hour that scheduling keeps for an offer: with whom, and until when it may be taken; None when it is kept no
    more. `version` is scheduling's, which rises."""

    version: int
    therapist_id: UUID
    start: datetime
    end: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Offered:
    """An offer as it stands. Only an open one changes, and once."""

    match_id: UUID
    case_id: UUID
    attempt: int
    request_version: int
    modality: Modality
    choices: tuple[Choice, ...]
    offered_at: datetime
    expires_at: datetime
    state: OfferState = "open"
    option_id: UUID | None = None
    reason: DeclineReason | None = None
    decided_at: datetime | None = None
    kept: KeptHour | None = None

    def hour_with(self, therapist_id: UUID, now: datetime) -> KeptHour | None:
        """The hour with this one that may be taken now, if there is such a one."""
        kept = self.kept
        is_theirs = kept is not None and kept.therapist_id == therapist_id
        return kept if kept and is_theirs and kept.until and now < kept.until else None

    def stands(self, now: datetime) -> OfferState:
        """Its state for whoever asks now: one whose time is over is expired, whether or not that was said yet."""
        return "expired" if self.state == "open" and now >= self.expires_at else self.state

    def choice(self, option_id: UUID) -> Choice | None:
        """The option of this id, if it is one of them."""
        return next((one for one in self.choices if one.option_id == option_id), None)


def follow(offer: Offered, kept: KeptHour) -> Offered:
    """What scheduling says of the hour; the same if it is history."""
    known = offer.kept.version if offer.kept else 0
    return replace(offer, kept=kept) if kept.version > known else offer


def accepted(offer: Offered, choice: Choice, now: datetime) -> Offered:
    """The person chose. Of an open offer only."""
    return replace(offer, state="accepted", option_id=choice.option_id, decided_at=now)


def declined(offer: Offered, reason: DeclineReason, now: datetime) -> Offered:
    """The person wants none of these. Of an open offer only."""
    return replace(offer, state="declined", reason=reason, decided_at=now)


def expired(offer: Offered, now: datetime) -> Offered:
    """Nobody chose in time. Of an open offer only."""
    return replace(offer, state="expired", decided_at=now)


def narrowed(found: Found, most: int) -> Found:
    """The first of them: more to choose from helps nobody to choose."""
    return Found(found.modality, found.offers[:most])


def only(choice: Choice, modality: Modality) -> Found:
    """The chosen one and nobody else."""
    return Found(modality, (Offer(choice.therapist_id, choice.sites),))


def still_fit(
    request: Request,
    offer: Offered,
    directory: Directory,
    capacity: Capacity,
    radius_km: float,
    now: datetime,
) -> Sequence[Choice]:
    """Those of the offer whom the hard rules would leave now; `radius_km` as for the sieve.

    Whom they have been offered counts as tried in a search, and is the very question here. Whoever keeps an hour for
    them has room for them.
    """
    left = directory.offering(offer.modality)
    anybody = has_room = 0
    for one in offer.choices:
        if one.therapist_id in directory.number_of and offer.hour_with(one.therapist_id, now):
            has_room |= 1 << directory.number_of[one.therapist_id]
    asked, places = replace(request, tried={}), capacity.with_sliding_place | has_room
    free = {lane: row | has_room for lane, row in capacity.by_lane.items()}
    for _, row in sieve(asked, directory, free, radius_km, places).by_wish:
        anybody |= row
    left &= anybody
    numbers = ((one, directory.number_of.get(one.therapist_id)) for one in offer.choices)
    return [one for one, number in numbers if number is not None and left >> number & 1]
