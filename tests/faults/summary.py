"""What a run comes to: faults by kind, recovery times, the last line, and whether every promise was kept. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from simulation.counting import DOUBLE_BOOKED
from tests.faults.journal import Done
from tests.faults.schedule import KINDS

AFTER_A_KILL, AFTER_ANYTHING = 3.0, 10.0

# How the checks of the history are told in one line; what is in none of them makes the run fail all the same.
LOST = ("lost", "not_on_topic", "not_read", "alarm_missing", "sent_never_arrived", "nobody_told")
DUPLICATED = ("told_twice", "request_repeated", "two_outcomes")
REORDERED = ("reordered",)


@dataclass(frozen=True, slots=True)
class Mutants:
    """How many broken kernels were tried by the checker, and how many it caught."""

    caught: int
    tried: int


@dataclass(frozen=True, slots=True)
class Total:
    """The end of a run. `checks` are the findings by the name of the check; `broken` what else went wrong."""

    events: int
    types: int
    done: Sequence[Done]
    checks: Mapping[str, int]
    broken: Sequence[str]
    mutants: Mutants

    @property
    def kept(self) -> bool:
        """Every promise, in every round and at the end."""
        caught = self.mutants.caught == self.mutants.tried
        return not any(self.checks.values()) and not self.broken and caught

    def last_line(self) -> str:
        counted = [one for one in self.done if one.counts]
        return (
            f"{self.events} events, {len(counted)} faults, {sum(one.kills for one in counted)} kills: "
            f"{self._sum(LOST)} lost, {self._sum(DUPLICATED)} duplicated, {self._sum(REORDERED)} reordered, "
            f"{self._sum(DOUBLE_BOOKED)} double-booked; mutants {self.mutants.caught}/{self.mutants.tried} caught"
        )

    def lines(self) -> Iterator[str]:
        """Faults by kind with their recovery, what was broken, and the last line."""
        yield f"{'kind':16} {'done':>5} {'hit work':>9} {'median':>8} {'longest':>8} {'in time':>9}"
        for name, done in by_kind(self.done).items():
            yield _row(name, done)
        yield f"{self.types} types of events"
        yield from (f"broken: {name}: {number}" for name, number in self.checks.items() if number)
        yield from (f"broken: {one}" for one in self.broken)
        yield self.last_line()

    def _sum(self, names: Sequence[str]) -> int:
        return sum(self.checks.get(name, 0) for name in names)


def by_kind(done: Sequence[Done]) -> dict[str, list[Done]]:
    """In the order of the table of kinds."""
    found: dict[str, list[Done]] = defaultdict(list)
    for one in done:
        found[one.fault.kind].append(one)
    return {kind.name: found[kind.name] for kind in KINDS if kind.name in found}


def in_time(done: Done) -> bool:
    """Whether whoever was hit went on as soon as is promised; counted, never judged: a busy machine is slow."""
    limit = AFTER_A_KILL if done.fault.kind == "kill" else AFTER_ANYTHING
    return done.recovered is not None and done.recovered <= limit


def _row(name: str, done: Sequence[Done]) -> str:
    times = [one.recovered for one in done if one.recovered is not None]
    middle, longest = (f"{median(times):.1f} s", f"{max(times):.1f} s") if times else ("-", "-")
    told = f"{sum(in_time(one) for one in done)}/{len(times)}"
    return f"{name:16} {len(done):5} {sum(one.counts for one in done):9} {middle:>8} {longest:>8} {told:>9}"
