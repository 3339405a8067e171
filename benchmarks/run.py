"""`python -m benchmarks.run [part ...]`: measures, prints, and keeps the figures in benchmarks/results.json.

Each part fits ten minutes and replaces its own figures only, so that they can be measured one after the other; `sides` keeps
those of every system as soon as it has them, and adds turns until there are as many as were asked for.
"""

import argparse
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from statistics import median
from typing import Any

import orjson
import uvloop

from benchmarks import alarms, journeys, kernel, lanes, machine, steady
from benchmarks.gates import gates
from benchmarks.peers import figures
from benchmarks.peers import run as peers

RESULTS = Path(__file__).with_name("results.json")
SIDES = ("ours", "faststream", "dbos")
Options = argparse.Namespace
Found = dict[str, Any]


async def measure_kernel(_: Options) -> Found:
    return await kernel.measure()


async def measure_journeys(told: Options) -> Found:
    rows = await journeys.measure(told.people, told.turns, told.in_files)
    return {"people": told.people, "in_files": told.in_files, "turns": rows, "median": middle(rows)}


async def measure_steady(told: Options) -> Found:
    async with steady.country() as stack:
        return await steady.measure(stack, told.seconds)


async def measure_half(told: Options) -> Found:
    """At half of what was sustained."""
    rate = kept()["steady"]["journeys_per_second"] / 2
    async with steady.country() as stack:
        return await steady.measure(stack, min(told.seconds, 120), per_second=rate)


async def measure_alarms(_: Options) -> Found:
    async with steady.country() as stack:
        return await alarms.measure(stack)


async def measure_lanes(_: Options) -> Found:
    async with steady.country() as stack:
        return await lanes.measure(stack)


PARTS: dict[str, Callable[[Options], Coroutine[Any, Any, Found]]] = {
    "kernel": measure_kernel,
    "journeys": measure_journeys,
    "steady": measure_steady,
    "half": measure_half,
    "alarms": measure_alarms,
    "lanes": measure_lanes,
}


async def measure_sides(told: Options) -> None:
    """The same people through each, one after the other and again."""
    for turn in range(1, told.turns + 1):
        for peer in SIDES:
            rows = kept().get("sides", {}).get(peer, [])
            if len(rows) < turn:
                best = figures.best(await peers.measure(peer, told.people, peers.SETTINGS[peer]))
                keep(
                    {
                        "sides": kept().get("sides", {})
                        | {peer: [*rows, dict(best) | {"machine": machine.describe()}]}
                    }
                )
                say(figures.line(best))


def middle(rows: list[Found]) -> Found:
    """Of the warm turns: the median of each figure, of one that has parts of each part."""
    warm = rows[1:] or rows
    numbers = {name for name, one in warm[0].items() if isinstance(one, float)}
    return {name: median(row[name] for row in warm) for name in sorted(numbers)} | {
        "cpu_ms": {name: median(row["cpu_ms"].get(name, 0.0) for row in warm) for name in warm[0]["cpu_ms"]},
        "cpu_ms_a_person": round(median(sum(row["cpu_ms"].values()) for row in warm), 2),
    }


def lines(part: str, one: Found) -> list[str]:
    """As a reader sees them."""
    match part:
        case "kernel":
            return [f"a small statement: {one['statement_us']} µs of CPU"] + [
                f"transactions of {row['a_transaction']:5}: {row['events_per_second']:6} events/s, "
                f"{sum(row['us'].values()):6.0f} µs an event: {row['us']}"
                for row in one["events"]
            ]
        case "journeys":
            told = [
                f"turn {row['turn']}: {row['journeys_per_second']} journeys/s, p50 {row['p50_s']} s, p99 {row['p99_s']} s, "
                f"{sum(row['cpu_ms'].values()):.2f} ms of CPU a person{'' if row['kept'] else ' (promises broken)'}"
                for row in one["turns"]
            ]
            return told + [f"  {name:22} {cost:6.2f} ms" for name, cost in by_cost(one["median"]["cpu_ms"])]
        case _:
            return [f"{part}: {name} {value}" for name, value in one.items() if name != "machine"]


def by_cost(cost: dict[str, float]) -> list[tuple[str, float]]:
    """The dearest first."""
    return sorted(cost.items(), key=lambda one: -one[1])


def kept() -> Found:
    """What was measured before."""
    return dict(orjson.loads(RESULTS.read_bytes())) if RESULTS.exists() else {}


def keep(found: Found) -> None:
    """These replace what stood under their names."""
    RESULTS.write_bytes(orjson.dumps(kept() | found, option=orjson.OPT_INDENT_2) + b"\n")


def say(*said: str) -> None:
    sys.stdout.write("\n".join(said) + "\n")
    sys.stdout.flush()


def main() -> int:
    """0 when every gate holds and every promise was kept in every turn."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("parts", nargs="*", default=[*PARTS, "sides"])
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=300.0, help="how long `steady` goes on")
    parser.add_argument("--in-files", type=float, default=0.0, help="the share of people who come in files")
    told = parser.parse_args()
    if unknown := set(told.parts) - {*PARTS, "sides"}:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    for part in told.parts:
        if part == "sides":
            uvloop.run(measure_sides(told))
            continue
        found = {"machine": machine.describe(), **uvloop.run(PARTS[part](told))}
        keep({part: found})
        say(*lines(part, found))
    passed = gates(kept())
    say(*map(str, passed))
    turns = kept().get("journeys", {}).get("turns", ())
    return 0 if all(gate.holds for gate in passed) and all(row["kept"] for row in turns) else 1


if __name__ == "__main__":
    sys.exit(main())
