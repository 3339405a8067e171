"""Decides a whole batch: who sees whom, who else could, and for everybody without anybody the reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np

from services.matching.domain.assignment import NOBODY, assign
from services.matching.domain.bits import Numbers
from services.matching.domain.capacity import Capacity
from services.matching.domain.directory import Directory
from services.matching.domain.options import Options, Prices
from services.matching.domain.policy import Policy
from services.matching.domain.requests import Request
from services.matching.domain.sieve import Sieved, sieve
from services.matching.domain.vocabulary import Modality, Reason


@dataclass(frozen=True, slots=True)
class Offer:
    """A therapist who fits, and in person the sites within reach, the nearest first; whether at the sliding fee."""

    therapist_id: UUID
    sites: tuple[UUID, ...]
    at_sliding_fee: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """Therapists in the order in which they should be asked; the first one's capacity is spoken for."""

    modality: Modality
    offers: tuple[Offer, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of one request, and why: rule names with how many each left, points by rule per offer."""

    request: Request
    outcome: Found | Reason
    explained: dict[str, Any]


def decide(
    requests: Sequence[Request], directory: Directory, capacity: Capacity, policy: Policy
) -> list[Decision]:
    """One decision per request, the most urgent first; the order of the requests given changes nothing."""
    waiting = sorted(requests, key=lambda request: request.urgency)
    free, prices = capacity.by_lane, Prices(directory, capacity, policy.points)
    places = capacity.with_sliding_place
    sieved = [sieve(request, directory, free, policy.radius_km, places) for request in waiting]
    # Beyond as many options as there are cases nobody's choice can matter: the others cannot take more than that.
    most = max(len(waiting), policy.candidates)
    found = [prices.options(one, left, most) for one, left in zip(waiting, sieved, strict=True)]
    chosen = assign(found, capacity, policy.points.load)
    considered = [Considered(*case) for case in zip(waiting, sieved, found, chosen, strict=True)]
    return [_decision(case, directory, prices, policy) for case in considered]


@dataclass(frozen=True, slots=True)
class Considered:
    """One request with what the rules made of it; `place` is the assigned therapist's among the options."""

    request: Request
    sieved: Sieved
    options: Options
    place: int


def _decision(case: Considered, directory: Directory, prices: Prices, policy: Policy) -> Decision:
    if case.place == NOBODY:
        return Decision(case.request, case.sieved.reason, {"left": case.sieved.left})
    wish = int(case.options.points[case.place]) // policy.points.wish
    asked = _in_order(case, wish, policy)
    modality = case.request.modalities[wish]
    points = prices.parts(case.request, wish, asked)
    total = [sum(parts) for parts in zip(*points.values(), strict=True)]
    explained = {"left": case.sieved.left, "points": points, "total": total}
    pays_less = directory.at_sliding_fee(case.request.max_fee, case.request.coverage)
    offers = tuple(
        _offer(number, modality, case.request, directory, policy, bool(pays_less >> number & 1))
        for number in asked.tolist()
    )
    return Decision(case.request, Found(modality, offers), explained)


def _in_order(case: Considered, wish: int, policy: Policy) -> Numbers:
    """The assigned therapist, then the next best who offer the same modality."""
    first = case.options.therapists[case.place]
    # Points fall into blocks by wish, in order: one modality's options stand together.
    begin, end = case.options.points.searchsorted(
        (wish * policy.points.wish, (wish + 1) * policy.points.wish)
    )
    best = case.options.therapists[begin : min(end, begin + policy.candidates)]
    return np.concatenate(([first], best[best != first]))[: policy.candidates]


def _offer(
    number: int,
    modality: Modality,
    request: Request,
    directory: Directory,
    policy: Policy,
    pays_less: bool,
) -> Offer:
    if modality != "in_person":
        return Offer(directory.ids[number], (), pays_less)
    radius = request.radius_km or policy.radius_km
    sites = directory.reach.sites_near(number, request.city, radius, step_free=request.step_free)
    return Offer(directory.ids[number], sites, pays_less)
