"""The hard rules: who may be asked at all, how many each rule leaves, and which one left nobody."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from services.matching.domain.bits import Bits
from services.matching.domain.directory import Directory
from services.matching.domain.requests import Request
from services.matching.domain.vocabulary import Modality, Reason, lane_of

# The reason a person hears for the rule that left nobody; none of them tells what was asked for.
REASONS: dict[str, Reason] = {
    "active": "no_capacity",
    "register": "no_capacity",
    "language": "no_language",
    "area": "no_area",
    "age_band": "no_age_band",
    "step": "no_area",
    "fee": "no_fee",
    "modality": "no_modality",
    "distance": "no_distance",
    "tried": "no_hour",
    "capacity": "no_capacity",
}


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


def sieve(request: Request, directory: Directory, capacity: Bits, radius_km: float) -> Sieved:
    """Applies the rules in order. `capacity` = who can take one more; `radius_km` where none was asked for."""
    left: dict[str, int] = {}
    anybody = directory.everybody
    for rule, allowed in _about_the_person(request, directory):
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


def _about_the_person(request: Request, directory: Directory) -> Sequence[tuple[str, Bits]]:
    """Who could help at all."""
    return (
        ("active", directory.active),
        ("register", directory.registered),
        ("language", directory.speaking(request.languages)),
        ("area", directory.covering(request.problem_areas)),
        ("age_band", directory.seeing(request.age_band)),
        ("step", directory.able(request.step)),
        ("fee", directory.within(request.max_fee)),
    )


def _about_the_way(
    request: Request, directory: Directory, capacity: Bits, radius_km: float
) -> Iterator[tuple[str, Sequence[Bits]]]:
    """And who in each wished modality, where they are, and has not been asked yet."""
    wished = request.modalities
    yield "modality", [directory.offering(modality) for modality in wished]
    if "in_person" in wished:
        near = directory.reach.near(request.city, request.radius_km or radius_km)
        yield "distance", [near if one == "in_person" else directory.everybody for one in wished]
    if request.tried:
        yield "tried", [directory.all_but(request.tried.get(lane_of(one), ())) for one in wished]
    yield "capacity", [capacity] * len(wished)


def _first_only(rows: Sequence[Bits]) -> Iterator[Bits]:
    """Each therapist in the first row they stand in, and in no later one."""
    seen = 0
    for row in rows:
        yield row & ~seen
        seen |= row
