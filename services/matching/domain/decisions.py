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
from services.matching.domain.options import Options, options, parts
from services.matching.domain.policy import Policy
from services.matching.domain.requests import Request
from services.matching.domain.sieve import Sieved, sieve
from services.matching.domain.vocabulary import Modality, Reason


@dataclass(frozen=True, slots=True)
class Offer:
    """A therapist who fits, and in person the sites within reach, the nearest first."""

    therapist_id: UUID
    sites: tuple[UUID, ...]


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
    free = capacity.any_free
    sieved = [sieve(request, directory, free, policy.radius_km) for request in waiting]
    # Beyond as many options as there are cases nobody's choice can matter: the others cannot take more than that.
    most = max(len(waiting), policy.candidates)
    found = [
        options(request, left, directory, capacity, policy.points, most)
        for request, left in zip(waiting, sieved, strict=True)
    ]
    chosen = assign(found, capacity, policy.points.load)
    considered = [Considered(*case) for case in zip(waiting, sieved, found, strict=True)]
    return [
        _decision(case, place, directory, capacity, policy)
        for case, place in zip(considered, chosen, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Considered:
    """One request with what the rules made of it."""

    request: Request
    sieved: Sieved
    options: Options


def _decision(
    case: Considered, place: int, directory: Directory, capacity: Capacity, policy: Policy
) -> Decision:
    rules: dict[str, Any] = {"left": dict(case.sieved.left)}
    if place == NOBODY:
        # Who had somebody left and got nobody lost the last free session to a more urgent case.
        return Decision(case.request, case.sieved.reason or "no_capacity", rules)
    wish = int(case.options.points[place]) // policy.points.wish
    asked = _in_order(case.options, place, wish, policy)
    modality = case.request.modalities[wish]
    points = parts(case.request, wish, asked, directory, capacity, policy.points)
    explained = rules | {"points": {rule: values.tolist() for rule, values in points.items()}}
    offers = tuple(_offer(number, modality, case.request, directory, policy) for number in asked.tolist())
    return Decision(case.request, Found(modality, offers), explained)


def _in_order(case: Options, place: int, wish: int, policy: Policy) -> Numbers:
    """The assigned therapist, then the next best who offer the same modality."""
    same = case.points // policy.points.wish == wish
    same[place] = False
    others = case.therapists[same][: policy.candidates - 1]
    return np.concatenate([case.therapists[place : place + 1], others])


def _offer(number: int, modality: Modality, request: Request, directory: Directory, policy: Policy) -> Offer:
    if modality != "in_person":
        return Offer(directory.ids[number], ())
    radius = request.radius_km or policy.radius_km
    return Offer(directory.ids[number], directory.reach.sites_near(number, request.city, radius))
