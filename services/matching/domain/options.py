"""The soft rules: every therapist who may be asked, in order of points."""

from dataclasses import dataclass
from uuid import UUID

import numpy as np

from services.matching.domain.bits import Bits, Flags, Numbers, members, unpack
from services.matching.domain.capacity import Capacity
from services.matching.domain.directory import Directory
from services.matching.domain.memory import Memory
from services.matching.domain.policy import Points
from services.matching.domain.requests import Request
from services.matching.domain.sieve import Sieved

NUMBER_BITS = 20  # a million therapists
NUMBER_MASK = (1 << NUMBER_BITS) - 1
# Knuth, The Art of Computer Programming, vol. 3, 6.4: multiplicative hashing with 2^32 / golden ratio.
GOLDEN = 2654435761


@dataclass(frozen=True, slots=True)
class Options:
    """Therapists (numbers) and their points for one case, cheapest first.

    `scarce` is where the case would take one of the places at the sliding fee of somebody who has fewer of those than
    in all.
    """

    therapists: Numbers
    points: Numbers
    scarce: Flags

    def __len__(self) -> int:
        return len(self.therapists)


class Prices:
    """What therapists cost the cases of one batch."""

    def __init__(self, directory: Directory, capacity: Capacity, points: Points) -> None:
        self._directory = directory
        self._points = points
        self._load = capacity.of_first(points.load)
        self._short = capacity.short_of_sliding_places
        self._memory = Memory()

    def options(self, request: Request, sieved: Sieved, most: int) -> Options:
        """The `most` cheapest of those the hard rules left; among equals a draw that comes out the same again."""
        keys = [self._keys(request, wish, row) for wish, (_, row) in enumerate(sieved.by_wish) if row]
        if not keys:
            return Options(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, bool))
        joined = keys[0] if len(keys) == 1 else np.concatenate(keys)
        if len(joined) > most:
            joined = np.partition(joined, most - 1)[:most]
        joined.sort()
        therapists = joined & NUMBER_MASK
        return Options(therapists, joined >> 2 * NUMBER_BITS, self._scarce(request)[therapists])

    def parts(self, request: Request, wish: int, therapists: Numbers) -> dict[str, list[int]]:
        """What each rule adds for these therapists in the `wish`-th modality of the case; a wish not made is left out.

        The parts of a therapist sum to their points.
        """
        directory, points, areas = self._directory, self._points, request.problem_areas
        said: dict[str, list[int]] = {
            "wish": [wish * points.wish] * len(therapists),
            "language": (directory.language_places(request.languages)[therapists] * points.language).tolist(),
            "fluency": (directory.fluency_levels(request.languages)[therapists] * points.fluency).tolist(),
            "specialist": (directory.no_specialist(areas, therapists) * points.specialist).tolist(),
            "step_above": (directory.steps_above(request.step, therapists) * points.step_above).tolist(),
            "load": self._load[therapists].tolist(),
        }
        if request.modalities[wish] == "in_person":
            said["distance"] = self._distance(request)[therapists].tolist()
        return said | {rule: unmet.tolist() for rule, unmet in self._wishes(request, therapists).items()}

    def _wishes(self, request: Request, therapists: Numbers) -> dict[str, Numbers]:
        """The wishes that not everybody has, and what they add for these."""
        directory, points, said = self._directory, self._points, {}
        if request.gender_wish:
            said["gender"] = directory.no_wished_gender(request.gender_wish, therapists) * points.gender
        if request.faith_sensitive:
            said["faith"] = directory.no_faith(therapists) * points.faith
        if request.again in directory.number_of:
            said["again"] = np.where(therapists == directory.number_of[request.again], 0, points.again)
        return said

    def _scarce(self, request: Request) -> Flags:
        """For which therapists the case counts against places at the sliding fee that may run out."""
        row = self._directory.at_sliding_fee(request.max_fee, request.coverage) & self._short
        return self._memory.once(("scarce", row), lambda: unpack(row, len(self._directory.ids)))

    def _distance(self, request: Request) -> Numbers:
        reach = self._directory.reach
        return reach.whole_kilometres(request.city, step_free=request.step_free) * self._points.kilometre

    def _keys(self, request: Request, wish: int, row: Bits) -> Numbers:
        """Points, draw and number in one whole number each, so that one sort does it all."""
        therapists = members(row)
        points = self._spoken(request)[therapists] + self._skilled(request, therapists)
        points += wish * self._points.wish
        if request.modalities[wish] == "in_person":
            points += self._distance(request)[therapists]
        for unmet in self._wishes(request, therapists).values():
            points += unmet
        keys: Numbers = (
            points << NUMBER_BITS | _draw(request.case_id, therapists)
        ) << NUMBER_BITS | therapists
        return keys

    def _spoken(self, request: Request) -> Numbers:
        """Points of all therapists for their languages and their load."""
        directory, languages = self._directory, request.languages
        return self._memory.once(
            languages,
            lambda: (
                directory.language_places(languages) * self._points.language
                + directory.fluency_levels(languages) * self._points.fluency
                + self._load
            ),
        )

    def _skilled(self, request: Request, therapists: Numbers) -> Numbers:
        """Points of these for what they can do, as far as this need does or does not use it."""
        no_specialist = self._directory.no_specialist(request.problem_areas, therapists)
        steps_above = self._directory.steps_above(request.step, therapists)
        return no_specialist * self._points.specialist + steps_above * self._points.step_above


def _draw(case_id: UUID, therapists: Numbers) -> Numbers:
    """A place for each therapist that differs from case to case: nobody is always the first of their equals."""
    mixed: Numbers = ((therapists ^ (case_id.int & NUMBER_MASK)) * GOLDEN >> 12) & NUMBER_MASK
    return mixed
