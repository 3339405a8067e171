"""What a person who chooses is shown of their offer."""

from dataclasses import dataclass, replace
from uuid import UUID

from services.matching.domain.cases import Case
from services.matching.domain.offers import Choice, KeptHour, Offered, OfferState
from services.matching.domain.showing import Wishes, why, within_km
from services.matching.domain.therapists import Profile
from services.matching.handlers.choosing import ChoiceDesk
from services.matching.handlers.matchmaking import Matchmaker
from services.matching.handlers.searches import Search
from services.matching.repository import cases, offers
from shared.contracts.intake import RequestForCare
from shared.messaging import Transaction


@dataclass(frozen=True, slots=True)
class ShownOption:
    """One option with what helps to choose; `profile` is None when the therapist is not known any more. `hour` is kept: it
    is theirs if they choose it in time."""

    choice: Choice
    profile: Profile | None
    within_km: int | None
    why: list[str]
    available: bool
    hour: KeptHour | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """An offer as it stands at this moment."""

    offer: Offered
    state: OfferState
    options: list[ShownOption]


class Window:
    """Offers as their people see them; it changes nothing."""

    def __init__(self, matchmaker: Matchmaker, desk: ChoiceDesk) -> None:
        self._roster = matchmaker.roster
        self._waiting = matchmaker.policy.waiting
        self._desk = desk

    async def show(self, match_id: UUID, case_id: UUID | None, tx: Transaction) -> Shown | None:
        """The offer; None if there is none of this id, or it is somebody else's."""
        offer = await offers.find_offer(tx, match_id)
        if offer is None or offer.case_id != case_id:
            return None
        asked = (await cases.requests_of(tx, [offer.case_id]))[offer.case_id]
        request = RequestForCare.model_validate_json(asked.request)
        search = Search(Case(offer.case_id, None, "offered"), request, request.priority, {})
        free = await self._desk.available(search, offer, tx)
        profiles = self._roster.described(one.therapist_id for one in offer.choices)
        shown = [
            replace(
                self._option(request, offer, one, profiles.get(one.therapist_id), one in free),
                hour=offer.hour_with(one.therapist_id, tx.now) if one in free else None,
            )
            for one in offer.choices
        ]
        return Shown(offer, offer.stands(tx.now), shown)

    def _option(
        self, request: RequestForCare, offer: Offered, choice: Choice, profile: Profile | None, is_free: bool
    ) -> ShownOption:
        if profile is None:
            return ShownOption(choice, None, None, [], False)
        sites = self._roster.points(choice.sites)
        near = within_km(request.city, sites, self._roster.cities, self._waiting)
        return ShownOption(
            choice,
            profile,
            near,
            why(_wishes(request, choice), profile, offer.modality, near),
            is_free,
        )


def _wishes(request: RequestForCare, choice: Choice) -> Wishes:
    gender, known = request.therapist_gender, request.previous_therapist
    return Wishes(
        modalities=request.modalities,
        languages=request.languages,
        gender=gender.wish if gender else None,
        max_fee=request.max_fee,
        city=request.city,
        knows_them=known is not None and known.therapist_id == choice.therapist_id,
    )
