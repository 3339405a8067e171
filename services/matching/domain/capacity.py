"""How much each therapist can still take, and what the next case costs by how full they are."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from uuid import UUID

import numpy as np

from services.matching.domain.bits import Bits, Numbers, pack, row_of
from services.matching.domain.directory import Directory
from services.matching.domain.rows import Places
from services.matching.domain.vocabulary import LANES, Lane


@dataclass(frozen=True, slots=True)
class Load:
    """What is known of one therapist: cases that count against the limit, lanes without a free hour, and how many of
    the cases are at the sliding fee."""

    open_cases: int = 0
    full_lanes: Set[str] = frozenset()
    sliding_cases: int = 0


@dataclass(frozen=True, slots=True)
class Capacity:
    """Sessions over the horizon, one number per therapist of the directory, and who is full in a lane whatever their
    load. Advice: scheduling enforces limits, and knows the hours.

    `sliding_total` is how many of the sessions may be at the sliding fee, `sliding_load` how many are.
    """

    total: Numbers
    open_load: Numbers
    sliding_total: Numbers
    sliding_load: Numbers
    full: Mapping[Lane, Bits] = field(default_factory=dict)

    @property
    def free(self) -> Numbers:
        """Sessions left; a limit that was lowered below the load leaves none."""
        free: Numbers = np.maximum(self.total - self.open_load, 0)
        return free

    @property
    def sliding_free(self) -> Numbers:
        """Sessions at the sliding fee left; a share that was lowered below the load leaves none."""
        free: Numbers = np.maximum(self.sliding_total - self.sliding_load, 0)
        return free

    @property
    def with_sliding_place(self) -> Bits:
        """Who can take at least one more at the sliding fee, as far as the share goes: for the whole of it, always."""
        return pack((self.sliding_total > self.sliding_load) | (self.sliding_total >= self.total))

    @property
    def short_of_sliding_places(self) -> Bits:
        """Who has fewer places at the sliding fee than in all: of the others the limit alone is to be counted."""
        return pack(self.sliding_free < self.free)

    @property
    def by_lane(self) -> Mapping[Lane, Bits]:
        """Who can take at least one more, in each lane."""
        any_free = pack(self.total > self.open_load)
        return {lane: any_free & ~self.full.get(lane, 0) for lane in LANES}

    def only_with(self, directory: Directory, whom: Iterable[tuple[UUID, Lane]]) -> "Capacity":
        """The same with nobody free but these, in these lanes, where they are known to have an hour."""
        nobody = (1 << len(directory.ids)) - 1
        full = dict.fromkeys(LANES, nobody)
        for therapist_id, lane in whom:
            number = directory.number_of.get(therapist_id)
            if number is not None:
                full[lane] &= ~(1 << number)
        return replace(self, full=full)

    def changed(self, directory: Directory, places: Places, weeks: int) -> "Capacity":
        """The same loads in the directory that this one has become, by what it says of limits and shares now."""
        total = directory.weekly_limits * weeks
        return Capacity(
            total,
            places.column(self.open_load),
            total * directory.sliding_shares // 100,
            places.column(self.sliding_load),
            {lane: places.row(row) for lane, row in self.full.items()},
        )

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


def capacity_of(directory: Directory, loads: Mapping[UUID, Load], weeks: int) -> Capacity:
    """Weekly limit times the weeks of the horizon, against the cases that each therapist has open; the sliding share
    is one of the same number, against those at the sliding fee."""
    total, none = directory.weekly_limits * weeks, np.zeros(len(directory.ids), np.int64)
    empty = Capacity(total, none, total * directory.sliding_shares // 100, none)
    return with_loads(empty, directory, loads)


def with_loads(capacity: Capacity, directory: Directory, changed: Mapping[UUID, Load]) -> Capacity:
    """The same with these therapists' loads; whoever is not in the directory is left out."""
    known = {directory.number_of[one]: load for one, load in changed.items() if one in directory.number_of}
    open_load = capacity.open_load.copy()
    open_load[list(known)] = [load.open_cases for load in known.values()]
    sliding_load = capacity.sliding_load.copy()
    sliding_load[list(known)] = [load.sliding_cases for load in known.values()]
    count = len(directory.ids)
    told = row_of(list(known), count)
    full = {
        lane: capacity.full.get(lane, 0) & ~told
        | row_of([number for number, load in known.items() if lane in load.full_lanes], count)
        for lane in LANES
    }
    return Capacity(capacity.total, open_load, capacity.sliding_total, sliding_load, full)
