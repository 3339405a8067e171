"""`python -m benchmarks.run [part ...]`: measures, prints, and keeps the figures in benchmarks/results.json.

Each part replaces its own figures, and those only, when it is over, so that they can be measured one after the other; each fits ten minutes
but `steady`, `flat` and `crowd`, which do with --seconds 60, --cases 100000 and --therapists 10000 and are then not judged, and `sides`, which
keeps what it has. Without parts all are measured, and where a call for all was interrupted the next one goes on.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Coroutine
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import orjson
import uvloop

from benchmarks import alarms, ceilings, crowd, flat, full, journeys, kernel, lanes, machine, steady
from benchmarks.gates import beside, gates, kept
from benchmarks.peers import figures
from benchmarks.peers import run as peers

RESULTS = Path(__file__).with_name("results.json")
BEGUN = Path(".local/sides.json")
MEASURED = Path(".local/measured.json")  # the parts that a call for all has behind it, and its options
SIDES = ("ours", "faststream", "dbos", "temporal")
Options = argparse.Namespace
Found = dict[str, Any]


async def measure_kernel(_: Options) -> Found:
    return await kernel.measure()


async def measure_ceilings(told: Options) -> Found:
    """Beside what a person costs in a steady run, where one was measured."""
    return await ceilings.measure(told.turns, read(RESULTS).get("steady", {}).get("cpu_ms", {}))


async def measure_journeys(told: Options) -> Found:
    rows = await journeys.measure(told.people, told.turns, told.in_files)
    return {"people": told.people, "in_files": told.in_files, "turns": rows, "median": middle(rows)}


async def measure_steady(told: Options) -> Found:
    async with steady.country() as stack:
        return await steady.measure(stack, told.seconds)


async def measure_half(told: Options) -> Found:
    """At half of what was sustained."""
    rate = read(RESULTS)["steady"]["journeys_per_second"] / 2
    async with steady.country() as stack:
        return await steady.measure(stack, min(told.seconds, 120), per_second=rate)


async def measure_alarms(_: Options) -> Found:
    async with steady.country() as stack:
        return await alarms.measure(stack)


async def measure_lanes(_: Options) -> Found:
    async with steady.country(spare=lanes.SPARE) as stack:
        return await lanes.measure(stack)


async def measure_flat(told: Options) -> Found:
    async with steady.country() as stack:
        return await flat.measure(stack, told.cases)


async def measure_full(_: Options) -> Found:
    async with steady.country(full.THERAPISTS) as stack:
        return await full.measure(stack)


async def measure_crowd(told: Options) -> Found:
    return await crowd.measure(told.therapists)


async def measure_sides(told: Options) -> Found:
    """The same people through each, one after the other and again; what an interrupted call had measured is not measured again. Whoever
    cannot be had on this machine is left out, and it is said why."""
    begun = read(BEGUN)
    found: Found = begun if begun.get("people") == told.people else {"people": told.people}
    found["left_out"] = {peer: why for peer in SIDES if (why := await peers.lacking(peer))}
    for turn, peer in product(range(told.turns), [peer for peer in SIDES if peer not in found["left_out"]]):
        if len(rows := found.setdefault(peer, [])) <= turn:
            rows.append(dict(figures.best(await peers.measure(peer, told.people, peers.SETTINGS[peer]))))
            write(BEGUN, found)
            say(figures.line(rows[-1]))
    write(BEGUN, {})
    return found | beside(found)


PARTS: dict[str, Callable[[Options], Coroutine[Any, Any, Found]]] = {
    "kernel": measure_kernel,
    "ceilings": measure_ceilings,
    "journeys": measure_journeys,
    "steady": measure_steady,
    "half": measure_half,
    "alarms": measure_alarms,
    "lanes": measure_lanes,
    "flat": measure_flat,
    "full": measure_full,
    "crowd": measure_crowd,
    "sides": measure_sides,
}


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
        case "sides":
            rows = [figures.line(row) for peer in SIDES for row in one.get(peer, ())]
            return [*rows, *one.get("left_out", {}).values()]
        case "ceilings":
            return ceilings.lines(one)
        case "steady" | "half":
            return list(steady.lines(part, one))
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
        case "flat":
            told = [
                f"after {row['cases']:9,} cases ({row['database_mb']:,} MB): {row['cost_ms']} ms of CPU a person, "
                f"{row['journeys_per_second']} journeys/s, p50 {row['p50_s']} s, p99 {row['p99_s']} s"
                for row in one["sizes"]
            ]
            grown = [
                f"  {row['service']}: {row['ms'][0]} to {row['ms'][1]} ms a thousand people, {row['query'][:90]}"
                for row in one["sizes"][-1]["grown"][:5]
            ]
            return [*told, *grown, f"ratios {one['ratios']}"]
        case _:
            return [f"{part}: {name} {value}" for name, value in one.items() if name != "machine"]


def by_cost(cost: dict[str, float]) -> list[tuple[str, float]]:
    """The dearest first."""
    return sorted(cost.items(), key=lambda one: -one[1])


def read(file: Path) -> Found:
    """What was measured before."""
    return dict(orjson.loads(file.read_bytes())) if file.exists() else {}


def write(file: Path, found: Found) -> None:
    """All that is known now; whoever is interrupted leaves what was known before."""
    file.parent.mkdir(exist_ok=True)
    fresh = file.with_name(f"{file.name}.new")
    fresh.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")
    fresh.replace(file)


def say(*said: str) -> None:
    sys.stdout.write("\n".join(said) + "\n")
    sys.stdout.flush()


def measure(part: str, told: Options) -> None:
    """One part, into the results."""
    found = {"machine": machine.describe(), **uvloop.run(PARTS[part](told))}
    write(RESULTS, read(RESULTS) | {part: found})
    say(*lines(part, found))


def measure_all(told: Options) -> None:
    """Those that an interrupted call with the same options has left; all of them where there was none."""
    options = {name: value for name, value in vars(told).items() if name != "parts"}
    behind = measured(read(MEASURED), options)
    if behind:
        say(f"measured before it was interrupted: {', '.join(behind)}")
    for part in PARTS:
        if part not in behind:
            measure(part, told)
            behind.append(part)
            write(MEASURED, {"options": options, "parts": behind})
    MEASURED.unlink(missing_ok=True)


def measured(begun: Found, options: Found) -> list[str]:
    """The parts that a call which was interrupted has behind it; none when it was told anything else."""
    return list(begun["parts"]) if begun.get("options") == options else []


def main() -> int:
    """0 when every gate holds and every promise was kept in every turn."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("parts", nargs="*", help="all that have still to be measured, when none is named")
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=600.0, help="how long `steady` goes on")
    parser.add_argument("--in-files", type=float, default=0.0, help="the share of people who come in files")
    parser.add_argument("--cases", type=int, default=1_000_000, help="how many have asked before in `flat`")
    parser.add_argument("--therapists", type=int, default=100_000, help="how many there are in `crowd`")
    told = parser.parse_args()
    if unknown := set(told.parts) - PARTS.keys():
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    # On servers that are new it says of every group that nobody knows it yet.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    if told.parts:
        for part in told.parts:
            measure(part, told)
    else:
        measure_all(told)
    results = read(RESULTS)
    passed = gates(results)
    write(RESULTS, results | {"gates": kept(passed)})
    say(*map(str, passed))
    turns = results.get("journeys", {}).get("turns", ())
    return 0 if all(gate.holds for gate in passed) and all(row["kept"] for row in turns) else 1


if __name__ == "__main__":
    sys.exit(main())
