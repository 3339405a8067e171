"""The soft rules: every therapist who may be asked, in order of points."""

from dataclasses import dataclass

import numpy as np

from services.matching.domain.bits import Numbers, members
from services.matching.domain.capacity import Capacity
from services.matching.domain.directory import Directory
from services.matching.domain.policy import Points
from services.matching.domain.requests import Request
from services.matching.domain.sieve import Sieved
from services.matching.domain.vocabulary import HIGHEST_STEP

NUMBER_BITS = 20  # a million therapists
NUMBER_MASK = (1 << NUMBER_BITS) - 1


@dataclass(frozen=True, slots=True)
class Options:
    """Therapists (numbers) and their points for one case, cheapest first, ties by number."""

    therapists: Numbers
    points: Numbers

    def __len__(self) -> int:
        return len(self.therapists)


def options(
    request: Request, sieved: Sieved, directory: Directory, capacity: Capacity, points: Points, most: int
) -> Options:
    """The `most` cheapest of those the hard rules left."""
    keys = [
        _sum(parts(request, wish, therapists, directory, capacity, points)) << NUMBER_BITS | therapists
        for wish, (_, row) in enumerate(sieved.by_wish)
        for therapists in (members(row),)
    ]
    # Points and number in one whole number: one sort orders by points and breaks ties by number.
    joined = np.concatenate([np.empty(0, np.int64), *keys])
    if len(joined) > most:
        joined = np.partition(joined, most - 1)[:most]
    joined.sort()
    return Options(joined & NUMBER_MASK, joined >> NUMBER_BITS)


def parts(
    request: Request,
    wish: int,
    therapists: Numbers,
    directory: Directory,
    capacity: Capacity,
    points: Points,
) -> dict[str, Numbers]:
    """What each rule adds for these therapists in the `wish`-th modality of the case."""
    in_person = request.modalities[wish] == "in_person"
    above = np.minimum(directory.highest_steps[therapists] - request.step, HIGHEST_STEP)
    said = {
        "wish": np.full(len(therapists), wish * points.wish),
        "language": directory.language_places(request.languages)[therapists] * points.language,
        "specialist": above * points.specialist,
        "load": capacity.points(therapists, np.zeros_like(therapists), points.load),
    }
    if in_person:
        said["distance"] = directory.reach.whole_kilometres(request.city)[therapists] * points.kilometre
    return said


def _sum(found: dict[str, Numbers]) -> Numbers:
    total: Numbers = np.add.reduce(list(found.values()))
    return total
