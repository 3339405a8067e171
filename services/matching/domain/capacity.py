"""How much each therapist can still take, and what the next case costs by how full they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from services.matching.domain.bits import Bits, Numbers, pack
from services.matching.domain.directory import Directory


@dataclass(frozen=True, slots=True)
class Capacity:
    """Sessions over the horizon, one number per therapist of the directory. Advice: scheduling enforces limits."""

    total: Numbers
    open_load: Numbers

    @property
    def free(self) -> Numbers:
        """Sessions left; a limit that was lowered below the load leaves none."""
        free: Numbers = np.maximum(self.total - self.open_load, 0)
        return free

    @property
    def any_free(self) -> Bits:
        """Who can take at least one more."""
        return pack(self.total > self.open_load)

    def of_first(self, full: int) -> Numbers:
        """What one more session costs each therapist before the batch."""
        everybody = np.arange(len(self.total))
        return self.points(everybody, np.zeros_like(everybody), full)

    def points(self, therapists: Numbers, more: Numbers, full: int) -> Numbers:
        """What one more session costs each of these therapists after `more` new ones: 0 empty, `full` when full.

        It never falls as load rises, so the cheapest assignment spreads cases by share of each one's own limit.
        """
        total = np.maximum(self.total[therapists], 1)
        points: Numbers = full * np.minimum(self.open_load[therapists] + more, total) // total
        return points


def capacity_of(directory: Directory, open_loads: Mapping[UUID, int], weeks: int) -> Capacity:
    """Weekly limit times the weeks of the horizon, against the cases that each therapist has open."""
    empty = Capacity(directory.weekly_limits * weeks, np.zeros(len(directory.ids), np.int64))
    return with_loads(empty, directory, open_loads)


def with_loads(capacity: Capacity, directory: Directory, changed: Mapping[UUID, int]) -> Capacity:
    """The same with these therapists' open loads; whoever is not in the directory is left out."""
    known = {directory.number_of[one]: load for one, load in changed.items() if one in directory.number_of}
    loads = capacity.open_load.copy()
    loads[list(known)] = list(known.values())
    return Capacity(capacity.total, loads)
