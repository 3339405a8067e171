"""What the plots show, worked out of results.json; how it is drawn says benchmarks/plots.py."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

Results = Mapping[str, Any]

SIDES = {"ours": "ours", "faststream": "FastStream", "dbos": "DBOS", "temporal": "Temporal"}
NOT_EVERYWHERE = ("temporal",)  # whose server is not to be had on every machine
SERVERS = {"postgres": "PostgreSQL", "kafka": "Kafka", "zipkin": "Zipkin", "temporal": "Temporal's server"}
OUTSIDE, PEOPLE = ("client", "sms", "hospital"), "people and gateways"
OF_ANOTHER_NAME = {"pager": "notifications"}
SERVICES, CPU = "services", "ms of CPU a person"
WAYS = {"help": '"help"', "front door": "front door"}
LATE_MS = 250  # to which benchmarks/gates.py holds p99 on the desk


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a picture: a value for each series. `ranges` are the least and the most of each, where there were turns."""

    name: str
    values: tuple[float, ...]
    ranges: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """Rows from above to below. `unit` is that of every value and of `limit`, which is no series but what has to be held (0: nothing);
    `measured_on` names machines."""

    kind: Literal["bars", "stack", "span"]
    title: str
    unit: str
    series: tuple[str, ...]
    rows: tuple[Row, ...]
    measured_on: str
    limit: float = 0.0


def pictures(results: Results) -> dict[str, Picture]:
    """By name; those whose figures were not measured are left out."""
    found = {name: _of(results, work_out) for name, work_out in PICTURES.items()}
    return {name: picture for name, picture in found.items() if picture is not None}


def _of(results: Results, work_out: Callable[[Results], Picture]) -> Picture | None:
    try:
        return work_out(results)
    except (KeyError, IndexError):
        return None


def journeys(results: Results) -> Picture:
    """Ours beside the others."""
    sides = results["sides"]
    rows = tuple(_turns(name, turns, "journeys_per_second") for name, turns in _sides(sides))
    title = "The same people through the same four steps"
    return Picture("bars", title, "journeys a second", ("median",), rows, _machines([sides]))


def cost_beside(results: Results) -> Picture:
    """Where the CPU goes at each."""
    sides = results["sides"]
    spent = {name: _middle([row["cpu_ms"] for row in turns]) for name, turns in _sides(sides)}
    return _stack("What a person costs beside the others", spent, _machines([sides]))


def flat(results: Results) -> Picture:
    """Where it goes when many have asked before."""
    found = results["flat"]
    spent = {f"{row['cases']:,} cases": row["cpu_ms"] for row in found["sizes"]}
    return _stack("What a person costs after so many cases", spent, _machines([found]))


def cost(results: Results) -> Picture:
    """Ours by service, at full load and at half of it."""
    loads = {"full load": results["steady"], "half load": results["half"]}
    found = []
    for one in loads.values():
        spent = defaultdict[str, float](float)
        for process, each in one["cpu_ms"].items():
            spent[_group(process)] += each
        found.append(spent)
    dearest = sorted(found[0], key=lambda name: -found[0][name])
    rows = tuple(Row(name, tuple(round(spent[name], 2) for spent in found)) for name in dearest)
    measured_on = _machines(list(loads.values()))
    return Picture("bars", "What a person costs", CPU, tuple(loads), rows, measured_on)


def waits(results: Results) -> Picture:
    """From the request to the message, ours at two loads and everybody as fast as they go."""
    at = ("p50_s", "p99_s")
    loads = {"ours, half load": results["half"], "ours, full load": results["steady"]}
    rows = [Row(name, tuple(one[share] for share in at)) for name, one in loads.items()]
    for name, turns in _sides(results["sides"]):
        middle = tuple(median(one[share] for one in turns) for share in at)
        rows.append(Row(f"{name}, {turns[0]['people']:,} at once", middle))
    title = "From the request to the message"
    measured_on = _machines([*loads.values(), results["sides"]])
    return Picture("span", title, "seconds", ("p50", "p99"), tuple(rows), measured_on)


def alarms(results: Results) -> Picture:
    """How soon an alarm is answered and lies before the duty desk under a flood, by the way it came."""
    found, at = results["alarms"], ("p50", "p99")
    parts = {"first answer": found["first_answer_ms"], "on the desk": found["at_desk_ms"]}
    rows = [
        Row(f"{name}, {part}", tuple(waits[way][: len(at)]))
        for way, name in WAYS.items()
        for part, waits in parts.items()
    ]
    title = "An alarm under a flood"
    return Picture("span", title, "ms", at, tuple(rows), _machines([found]), LATE_MS)


def _sides(sides: Results) -> list[tuple[str, list[Results]]]:
    """The turns of each side by its name; raises KeyError where one is missing that everybody can measure."""
    return [
        (name, sides[peer]) for peer, name in SIDES.items() if peer in sides or peer not in NOT_EVERYWHERE
    ]


def _turns(name: str, turns: Sequence[Results], figure: str) -> Row:
    values = [turn[figure] for turn in turns]
    return Row(name, (round(median(values), 1),), ((min(values), max(values)),))


def _middle(turns: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: median(one.get(name, 0.0) for one in turns) for name in turns[0]}


def _group(process: str, of_services: str = "") -> str:
    """The server, the service or the outside that a process belongs to."""
    if process in SERVERS:
        return SERVERS[process]
    if process in OUTSIDE:
        return PEOPLE
    return of_services or OF_ANOTHER_NAME.get(process, process.partition("-")[0])


def _stack(title: str, spent: Mapping[str, Mapping[str, float]], measured_on: str) -> Picture:
    """A row for each name, of milliseconds by process: what the services take together, each server, and the outside."""
    series, rows = (SERVICES, *SERVERS.values(), PEOPLE), []
    for name, by_process in spent.items():
        cost = defaultdict[str, float](float)
        for process, each in by_process.items():
            cost[_group(process, SERVICES)] += each
        rows.append(Row(name, tuple(cost[one] for one in series)))
    used = [place for place in range(len(series)) if any(row.values[place] for row in rows)]
    kept = tuple(Row(row.name, tuple(row.values[place] for place in used)) for row in rows)
    return Picture("stack", title, CPU, tuple(series[place] for place in used), kept, measured_on)


def _machines(measured: Sequence[Results]) -> str:
    """On which these were measured, each once."""
    machines = [one["machine"] for one in measured]
    return "; ".join(dict.fromkeys(f"{one['processor']}, {one['cores']} cores" for one in machines))


PICTURES: dict[str, Callable[[Results], Picture]] = {
    "journeys": journeys,
    "cost-beside": cost_beside,
    "cost": cost,
    "flat": flat,
    "waits": waits,
    "alarms": alarms,
}
