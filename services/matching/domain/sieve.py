"""The hard rules: who may be asked at all, how many each rule leaves, and which one left nobody."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from services.matching.domain.bits import Bits
from services.matching.domain.directory import Directory
from services.matching.domain.requests import Request
from services.matching.domain.vocabulary import Lane, Modality, Reason, lane_of

ByLane = Mapping[Lane, Bits]

# The reason a person hears for the rule that left nobody; none of them tells what was asked for.
REASONS: dict[str, Reason] = {
    "active": "no_capacity",
    "credential": "no_capacity",
    "supervision": "no_capacity",
    "kind": "no_kind",
    "language": "no_language",
    "gender": "no_gender",
    "area": "no_area",
    "age_band": "no_age_band",
    "step": "no_area",
    "access": "no_access",
    "fee": "no_fee",
    "sliding_share": "no_sliding_place",
    "not_again": "no_other",
    "modality": "no_modality",
    "distance": "no_distance",
    "step_free": "no_access",
    "on_the_spot": "no_access",
    "tried": "no_hour",
    "capacity": "no_capacity",
}
# And those that no rule gives: nobody else is left after a choice was declined, or nobody chose in time.
OTHER_REASONS: tuple[Reason, ...] = ("no_other", "offer_expired")


@dataclass(frozen=True, slots=True)
class Sieved:
    """`left` is therapists left by rule, in order, up to the first rule that left none.

    `by_wish` has a row per wished modality; a therapist stands in the row of the first one they can offer.
    """

    left: dict[str, int]
    by_wish: tuple[tuple[Modality, Bits], ...] = ()

    @property
    def reason(self) -> Reason:
        """Why nobody is left; who had somebody lost them to a more urgent case."""
        rule, number = list(self.left.items())[-1]
        return "no_capacity" if number else REASONS[rule]


def sieve(
    request: Request,
    directory: Directory,
    capacity: ByLane,
    radius_km: float,
    with_sliding_place: Bits | None = None,
) -> Sieved:
    """Applies the rules in order. `capacity` = who can take one more, `with_sliding_place` = who one more at the
    sliding fee (None: everybody); `radius_km` where none was asked for."""
    places = directory.everybody if with_sliding_place is None else with_sliding_place
    left: dict[str, int] = {}
    anybody = directory.everybody
    for rule, allowed in _about_the_person(request, directory, places):
        anybody &= allowed
        left[rule] = anybody.bit_count()
        if not anybody:
            return Sieved(left)
    rows = [anybody] * len(request.modalities)
    for rule, allowed_by_wish in _about_the_way(request, directory, capacity, radius_km):
        rows = [row & allowed for row, allowed in zip(rows, allowed_by_wish, strict=True)]
        left[rule] = reduce(or_, rows, 0).bit_count()
        if not left[rule]:
            return Sieved(left)
    return Sieved(left, tuple(zip(request.modalities, _first_only(rows), strict=True)))


def _about_the_person(
    request: Request, directory: Directory, with_sliding_place: Bits
) -> Iterator[tuple[str, Bits]]:
    """Who could help at all. A rule that nobody's wish is behind does not appear."""
    practice, areas = directory.practice, request.problem_areas
    yield "active", directory.active
    yield "credential", practice.permitted(request.province)
    yield "supervision", practice.supervised(request.province)
    yield "kind", directory.taking(request.kind)
    yield "language", directory.speaking(request.languages)
    if request.gender_must:
        yield "gender", directory.of_gender(request.gender_must)
    yield "area", directory.covering(areas)
    yield "age_band", directory.seeing(request.age_band)
    yield "step", practice.able(areas, request.step, request.province)
    if needs := request.needs_everywhere:
        yield "access", directory.giving_access(needs)
    yield "fee", _affordable(request, directory)
    if pays_less := directory.at_sliding_fee(request.max_fee, request.coverage):
        yield "sliding_share", ~pays_less | with_sliding_place
    if request.not_again:
        yield "not_again", directory.all_but((request.not_again,))


def _affordable(request: Request, directory: Directory) -> Bits:
    """Within what the person can pay, or paid for them."""
    within = directory.within(request.max_fee)
    return within | directory.accepting(request.coverage) if request.coverage else within


def _about_the_way(
    request: Request, directory: Directory, capacity: ByLane, radius_km: float
) -> Iterator[tuple[str, Sequence[Bits]]]:
    """And who in each wished modality, where they are, and has not been asked yet."""
    wished = request.modalities
    yield "modality", [_offering(modality, request, directory) for modality in wished]
    if "in_person" in wished:
        radius = request.radius_km or radius_km
        yield "distance", _at_a_site(directory.reach.near(request.city, radius), request, directory)
        if request.step_free:
            near = directory.reach.near(request.city, radius, step_free=True)
            yield "step_free", _at_a_site(near, request, directory)
        if needs := request.needs_on_the_spot:
            yield "on_the_spot", _at_a_site(directory.giving_access(needs), request, directory)
    if request.tried:
        yield "tried", [directory.all_but(request.tried.get(lane_of(one), ())) for one in wished]
    yield "capacity", [capacity[lane_of(one)] for one in wished]


def _offering(modality: Modality, request: Request, directory: Directory) -> Bits:
    permitted = directory.practice.in_lane(lane_of(modality), request.province)
    return directory.offering(modality) & permitted


def _at_a_site(near: Bits, request: Request, directory: Directory) -> Sequence[Bits]:
    """The rule for a site is one for the modality in person alone."""
    return [near if one == "in_person" else directory.everybody for one in request.modalities]


def _first_only(rows: Sequence[Bits]) -> Iterator[Bits]:
    """Each therapist in the first row they stand in, and in no later one."""
    seen = 0
    for row in rows:
        yield row & ~seen
        seen |= row
