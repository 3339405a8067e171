"""What has to hold, by the key under which it stands in results.json, and what was measured of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

Results = Mapping[str, Any]
FIVE_MINUTES, TEN_MINUTES = 300.0, 600.0


@dataclass(frozen=True, slots=True)
class Gate:
    """`value` is None while the part it comes from was not measured; `least`: whether the limit is the least or the most."""

    name: str
    limit: float
    least: bool
    value: float | None

    @property
    def holds(self) -> bool:
        if self.value is None:
            return False
        return self.value >= self.limit if self.least else self.value <= self.limit

    def __str__(self) -> str:
        sign = "≥" if self.least else "≤"
        found = "not measured" if self.value is None else f"{self.value:g}"
        return f"{'holds ' if self.holds else 'MISSED'} {self.name:22} {sign} {self.limit:g}: {found}"


def gates(results: Results) -> list[Gate]:
    """All of them; those without a figure do not hold."""
    return [Gate(name, limit, least, _value(results, find)) for name, limit, least, find in GATES]


def beside(sides: Results) -> dict[str, float]:
    """What of the sides is measured where it can be and judged by nobody, by its key in results.json."""
    value = _value({"sides": sides}, _against("temporal"))
    return {} if value is None else {"vs_temporal": value}


def kept(found: Sequence[Gate]) -> dict[str, dict[str, Any]]:
    """By name what was found, what it was held against, and whether it holds: as results.json keeps them."""
    return {
        gate.name: {
            "value": gate.value,
            "at_least" if gate.least else "at_most": gate.limit,
            "holds": gate.holds,
        }
        for gate in found
    }


def _value(results: Results, find: Callable[[Results], float]) -> float | None:
    try:
        return round(find(results), 2)
    except KeyError:
        return None


def _against(peer: str) -> Callable[[Results], float]:
    def ratio(results: Results) -> float:
        sides = results["sides"]
        ours, theirs = (median(row["journeys_per_second"] for row in sides[name]) for name in ("ours", peer))
        return float(ours / theirs)

    return ratio


def _at_size(part: str, least: int, size: Callable[[Results], int]) -> Callable[[Results], float]:
    """The ratio of a part that was measured with as much as was asked for; with less it counts as not measured."""

    def ratio(results: Results) -> float:
        found = results[part]
        if size(found) < least:
            raise KeyError(part)
        return float(found["ratio"])

    return ratio


def _lasting(seconds: float, find: Callable[[Results], float]) -> Callable[[Results], float]:
    """A figure of a steady run that went on for so long; what a shorter one says counts as not measured."""

    def figure(results: Results) -> float:
        steady = results["steady"]
        if steady["seconds"] < seconds:
            raise KeyError("steady")
        return find(steady)

    return figure


# Name, limit, whether it is the least, and where it is found. The limits are what the product has set itself.
GATES: tuple[tuple[str, float, bool, Callable[[Results], float]], ...] = (
    ("journeys_per_second", 1500, True, _lasting(TEN_MINUTES, lambda steady: steady["journeys_per_second"])),
    ("stages_growing", 0, False, _lasting(TEN_MINUTES, lambda steady: len(steady["growing"]))),
    ("vs_faststream", 4, True, _against("faststream")),
    ("vs_dbos", 15, True, _against("dbos")),
    ("posts_per_second", 1000, True, _lasting(FIVE_MINUTES, lambda steady: steady["asked_per_second"])),
    (
        "oldest_event_s",
        2,
        False,
        _lasting(FIVE_MINUTES, lambda steady: max(age["most"] for age in steady["oldest_s"].values())),
    ),
    ("p99_half_load_ms", 500, False, lambda found: 1000 * found["half"]["p99_s"]),
    ("alarm_p99_ms", 250, False, lambda found: found["alarms"]["alarm_p99_ms"]),
    ("late_in_danger", 0, False, lambda found: found["alarms"]["late_answers"]),
    ("settled_s", 60, False, lambda found: found["alarms"]["settled_s"]),
    ("lane_isolation", 1.5, False, lambda found: found["lanes"]["ratio"]),
    ("flat_ratio", 1.25, False, _at_size("flat", 1_000_000, lambda flat: flat["sizes"][-1]["cases"])),
    ("crowd_ratio", 2, False, _at_size("crowd", 100_000, lambda crowd: crowd["therapists"])),
    ("full_ratio", 2, False, lambda found: found["full"]["booking_ratio"]),
)
