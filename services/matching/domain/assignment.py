"""One cheapest assignment of a batch: every case at most one therapist, nobody above their capacity.

A minimum-cost flow (OR-tools' cost-scaling push-relabel, https://developers.google.com/optimization/flow/mincostflow):
case -> therapist -> one arc per session of the therapist, dearer with each, -> end; and case -> end for nobody. Where
places at the sliding fee may run out: case -> door of the therapist -> one arc per such place -> therapist.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

from services.matching.domain.bits import Numbers, column
from services.matching.domain.capacity import Capacity
from services.matching.domain.options import Options

# How many options per case the first round looks at. 130 cases, 300 therapists: 2.6 ms with 8, 5.0 with 32; where many
# want the same few (400 cases, 300 therapists, four fifths taken), 4 needs a second round: 19.6 ms, against 7.0 and 9.4.
FIRST_WIDTH = 8
NOBODY = -1
NEVER = 1 << 60


class NoAssignment(Exception):
    """The solver did not find an optimum, which cannot be: nobody at all is always a solution."""


def assign(cases: Sequence[Options], capacity: Capacity, full: int) -> list[int]:
    """For each case the place of its therapist among its options, or NOBODY. `cases`: the most urgent first.

    As many cases as possible get a therapist; where somebody must go without, the least urgent do; among all such
    assignments the one with the fewest points. Exact, although each round sees only a part of the options:
    see `_is_proven`.
    """
    firsts = [int(options.therapists[0]) for options in cases if len(options)]
    if len(set(firsts)) == len(firsts):  # nobody is in another's way
        return [0 if len(options) else NOBODY for options in cases]
    widths = [FIRST_WIDTH] * len(cases)
    while True:
        chosen = _solve([_cut(o, width) for o, width in zip(cases, widths, strict=True)], capacity, full)
        dearer = _dearer(cases, chosen, capacity, full)
        unproven = [n for n, one in enumerate(cases) if not _is_proven(one, widths[n], *dearer)]
        if not unproven:
            return chosen
        for number in unproven:
            widths[number] *= 4


def _cut(options: Options, width: int) -> Options:
    return Options(options.therapists[:width], options.points[:width], options.scarce[:width])


def _dearer(
    cases: Sequence[Options], chosen: Sequence[int], capacity: Capacity, full: int
) -> tuple[Numbers, Numbers]:
    """Per therapist: what one more session would cost now, above the price of their first; and one more of those at
    the sliding fee."""
    taken = [(options, place) for options, place in zip(cases, chosen, strict=True) if place != NOBODY]
    more = _count((int(o.therapists[place]) for o, place in taken), capacity)
    more_scarce = _count((int(o.therapists[place]) for o, place in taken if o.scarce[place]), capacity)
    everybody = np.arange(len(more))
    dearer = capacity.points(everybody, more, full) - capacity.of_first(full)
    any_more = np.where(more < capacity.free, dearer, NEVER)
    return any_more, np.where(more_scarce < capacity.sliding_free, any_more, NEVER)


def _count(therapists: Iterable[int], capacity: Capacity) -> Numbers:
    return np.bincount(column(therapists), minlength=len(capacity.total))


def _is_proven(options: Options, width: int, dearer: Numbers, dearer_scarce: Numbers) -> bool:
    """Whether no option of this case beyond `width` could make the assignment cheaper.

    By linear duality: a case's price in the optimum is at most what one more session of any therapist it sees would
    cost it now; whoever it does not see costs it at least the points of the first one it does not see.
    """
    if len(options) <= width:
        return True
    seen = options.therapists[:width]
    more = np.where(options.scarce[:width], dearer_scarce[seen], dearer[seen])
    price = (options.points[:width] + more).min()
    return bool(price <= options.points[width])


@dataclass(frozen=True, slots=True)
class Network:
    """Arcs with room for one each; the options' arcs come first, in the order of the cases."""

    tails: Numbers
    heads: Numbers
    costs: Numbers
    supplies: Numbers


def _network(cases: Sequence[Options], capacity: Capacity, full: int) -> Network:
    """Nodes: the cases, then the therapists in question, then the end, then the doors of these therapists."""
    count, sizes = len(cases), [len(options) for options in cases]
    points = np.concatenate([options.points for options in cases])
    seen, who = np.unique(np.concatenate([o.therapists for o in cases]), return_inverse=True)
    sessions = np.minimum(np.bincount(who), capacity.free[seen])
    seats = np.repeat(np.arange(len(seen)), sessions)
    more = np.arange(len(seats)) - np.repeat(np.cumsum(sessions) - sessions, sessions)
    # The options' points already hold the price of a first session.
    dearer = capacity.points(seen[seats], more, full) - capacity.points(seen[seats], more * 0, full)
    end = count + len(seen)
    scarce = np.concatenate([options.scarce for options in cases])
    behind = np.minimum(np.bincount(who[scarce], minlength=len(seen)), capacity.sliding_free[seen])
    places = np.repeat(np.arange(len(seen)), behind)
    alone = _price_of_nobody(count, int(points.max(initial=0)) + full)
    case_numbers = np.arange(count)
    return Network(
        tails=np.concatenate([np.repeat(case_numbers, sizes), case_numbers, count + seats, end + 1 + places]),
        heads=np.concatenate(
            [
                np.where(scarce, end + 1 + who, count + who),
                np.full(count + len(seats), end),
                count + places,
            ]
        ),
        costs=np.concatenate([points, alone, dearer, np.zeros(len(places), np.int64)]),
        supplies=np.concatenate(
            [np.ones(count, np.int64), np.zeros(len(seen), np.int64), [-count], np.zeros(len(seen), np.int64)]
        ),
    )


def _price_of_nobody(count: int, dearest: int) -> Numbers:
    """Per case, falling with urgency: each step weighs more than all that a batch could save in points.

    Sets of cases that can be served together form a matroid (a gammoid: they can be linked with the end), so
    the cheapest set is the one that takes the most urgent first, and it is never smaller for that.
    """
    return (count - np.arange(count, dtype=np.int64)) * count * (dearest + 1)


def _solve(cases: Sequence[Options], capacity: Capacity, full: int) -> list[int]:
    network = _network(cases, capacity, full)
    flow = SimpleMinCostFlow()
    flow.add_arcs_with_capacity_and_unit_cost(
        network.tails.astype(np.int32),
        network.heads.astype(np.int32),
        np.ones(len(network.tails), np.int64),
        network.costs,
    )
    flow.set_nodes_supplies(np.arange(len(network.supplies), dtype=np.int32), network.supplies)
    if flow.solve() != flow.OPTIMAL:
        raise NoAssignment
    return _places(flow, [len(options) for options in cases])


def _places(flow: SimpleMinCostFlow, sizes: Sequence[int]) -> list[int]:
    taken = np.flatnonzero(flow.flows(np.arange(sum(sizes), dtype=np.int32)))
    case_of = np.repeat(np.arange(len(sizes)), sizes)[taken]
    starts = np.cumsum(sizes) - sizes
    chosen = np.full(len(sizes), NOBODY)
    chosen[case_of] = taken - starts[case_of]
    return [int(place) for place in chosen]
