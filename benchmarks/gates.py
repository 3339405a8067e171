"""What has to hold, by the key under which it stands in results.json, and what was measured of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

Results = Mapping[str, Any]


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


# Name, limit, whether it is the least, and where it is found. The limits are what the product has set itself.
GATES: tuple[tuple[str, float, bool, Callable[[Results], float]], ...] = (
    ("journeys_per_second", 1500, True, lambda found: found["steady"]["journeys_per_second"]),
    ("vs_faststream", 4, True, _against("faststream")),
    ("vs_dbos", 15, True, _against("dbos")),
    ("posts_per_second", 1000, True, lambda found: found["steady"]["asked_per_second"]),
    ("p99_half_load_ms", 500, False, lambda found: 1000 * found["half"]["p99_s"]),
    ("alarm_p99_ms", 250, False, lambda found: found["alarms"]["alarm_p99_ms"]),
    ("late_in_danger", 0, False, lambda found: found["alarms"]["late_answers"]),
    ("settled_s", 60, False, lambda found: found["alarms"]["settled_s"]),
    ("lane_isolation", 1.5, False, lambda found: found["lanes"]["ratio"]),
    ("flat_ratio", 1.25, False, _at_size("flat", 1_000_000, lambda flat: flat["sizes"][-1]["cases"])),
    ("crowd_ratio", 2, False, _at_size("crowd", 100_000, lambda crowd: crowd["therapists"])),
    ("full_ratio", 2, False, lambda found: found["full"]["booking_ratio"]),
)
