"""The soft rules: every therapist who may be asked, in order of points."""

from dataclasses import dataclass
from uuid import UUID

import numpy as np

from services.matching.domain.bits import Bits, Numbers, members
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
    """Therapists (numbers) and their points for one case, cheapest first."""

    therapists: Numbers
    points: Numbers

    def __len__(self) -> int:
        return len(self.therapists)


class Prices:
    """What therapists cost the cases of one batch."""

    def __init__(self, directory: Directory, capacity: Capacity, points: Points) -> None:
        self._directory = directory
        self._points = points
        self._load = capacity.of_first(points.load)
        self._memory = Memory()

    def options(self, request: Request, sieved: Sieved, most: int) -> Options:
        """The `most` cheapest of those the hard rules left; among equals a draw that comes out the same again."""
        keys = [self._keys(request, wish, row) for wish, (_, row) in enumerate(sieved.by_wish) if row]
        if not keys:
            return Options(np.empty(0, np.int64), np.empty(0, np.int64))
        joined = keys[0] if len(keys) == 1 else np.concatenate(keys)
        if len(joined) > most:
            joined = np.partition(joined, most - 1)[:most]
        joined.sort()
        return Options(joined & NUMBER_MASK, joined >> 2 * NUMBER_BITS)

    def parts(self, request: Request, wish: int, therapists: Numbers) -> dict[str, list[int]]:
        """What each rule adds for these therapists in the `wish`-th modality of the case."""
        directory, points = self._directory, self._points
        places = directory.language_places(request.languages)[therapists]
        said = {
            "wish": [wish * points.wish] * len(therapists),
            "language": (places * points.language).tolist(),
            "specialist": (directory.steps_above(request.step)[therapists] * points.specialist).tolist(),
            "load": self._load[therapists].tolist(),
        }
        if request.modalities[wish] == "in_person":
            away = directory.reach.whole_kilometres(request.city)[therapists]
            said["distance"] = (away * points.kilometre).tolist()
        return said

    def _keys(self, request: Request, wish: int, row: Bits) -> Numbers:
        """Points, draw and number in one whole number each, so that one sort does it all."""
        therapists = members(row)
        points = self._anywhere(request)[therapists] + wish * self._points.wish
        if request.modalities[wish] == "in_person":
            away = self._directory.reach.whole_kilometres(request.city)[therapists]
            points += away * self._points.kilometre
        keys: Numbers = (
            points << NUMBER_BITS | _draw(request.case_id, therapists)
        ) << NUMBER_BITS | therapists
        return keys

    def _anywhere(self, request: Request) -> Numbers:
        """Points of all therapists for a need, without way and distance."""
        return self._memory.once(
            (request.languages, request.step),
            lambda: (
                self._directory.language_places(request.languages) * self._points.language
                + self._directory.steps_above(request.step) * self._points.specialist
                + self._load
            ),
        )


def _draw(case_id: UUID, therapists: Numbers) -> Numbers:
    """A place for each therapist that differs from case to case: nobody is always the first of their equals."""
    mixed: Numbers = ((therapists ^ (case_id.int & NUMBER_MASK)) * GOLDEN >> 12) & NUMBER_MASK
    return mixed
