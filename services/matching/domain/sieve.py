"""The hard rules: who may be asked at all, how many each rule leaves, and which one left nobody."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from services.matching.domain.bits import Bits, count
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
    """`left` is (rule, therapists left), in order, up to the first rule that left none.

    `by_wish` has a row per wished modality; a therapist stands in the row of the first one they can offer.
    """

    left: tuple[tuple[str, int], ...]
    by_wish: tuple[tuple[Modality, Bits], ...]

    @property
    def reason(self) -> Reason | None:
        """Why nobody is left; None if somebody is."""
        rule, number = self.left[-1]
        return None if number else REASONS[rule]


def sieve(request: Request, directory: Directory, capacity: Bits, radius_km: float) -> Sieved:
    """Applies the rules in order. `capacity` = who can take one more; `radius_km` where none was asked for."""
    left: list[tuple[str, int]] = []
    rows = [directory.active]
    for rule, narrow in _rules(request, directory, capacity, radius_km):
        rows = narrow(rows)
        left.append((rule, count(_union(rows))))
        if not left[-1][1]:
            return Sieved(tuple(left), ())
    return Sieved(tuple(left), tuple(zip(request.modalities, _first_only(rows), strict=True)))


Narrow = Callable[[list[Bits]], list[Bits]]


def _rules(
    request: Request, directory: Directory, capacity: Bits, radius_km: float
) -> Iterator[tuple[str, Narrow]]:
    """First who could help this person at all (one row), then how (a row per wished modality)."""
    yield "active", _and(lambda: directory.active)
    yield "register", _and(lambda: directory.registered)
    yield "language", _and(lambda: directory.speaking(request.languages))
    yield "area", _and(lambda: directory.covering(request.problem_areas))
    yield "age_band", _and(lambda: directory.seeing(request.age_band))
    yield "step", _and(lambda: directory.able(request.step))
    yield "fee", _and(lambda: directory.within(request.max_fee))
    yield "modality", lambda rows: [rows[0] & directory.offering(one) for one in request.modalities]
    if "in_person" in request.modalities:
        within = directory.reach.near(request.city, request.radius_km or radius_km)
        yield "distance", _each(request, lambda one, row: row & within if one == "in_person" else row)
    if request.tried:
        yield "tried", _each(request, lambda one, row: row & _untried(request, directory, one))
    yield "capacity", _and(lambda: capacity)


def _and(row_of: Callable[[], Bits]) -> Narrow:
    return lambda rows: [row & row_of() for row in rows]


def _each(request: Request, narrow: Callable[[Modality, Bits], Bits]) -> Narrow:
    return lambda rows: [narrow(*pair) for pair in zip(request.modalities, rows, strict=True)]


def _untried(request: Request, directory: Directory, modality: Modality) -> Bits:
    return directory.all_but(request.tried.get(lane_of(modality), ()))


def _union(rows: list[Bits]) -> Bits:
    return rows[0] if len(rows) == 1 else np.bitwise_or.reduce(rows)


def _first_only(rows: list[Bits]) -> Iterator[Bits]:
    """Each therapist in the first row they stand in, and in no later one."""
    seen = np.zeros_like(rows[0])
    for row in rows:
        yield row & ~seen
        seen = seen | row
