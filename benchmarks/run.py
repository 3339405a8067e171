"""`python -m benchmarks.run [kernel|journeys ...]`: measures, prints, and keeps the figures in benchmarks/results.json.

Each part takes some minutes and replaces its own figures only, so that they can be measured one after the other.
"""

import argparse
import sys
from pathlib import Path
from statistics import median
from typing import Any

import orjson
import uvloop

from benchmarks import journeys, kernel, machine

RESULTS = Path(__file__).with_name("results.json")
PARTS = ("kernel", "journeys")


async def run(parts: list[str], *, people: int, turns: int, in_files: float) -> dict[str, Any]:
    """The figures of these parts, each with the machine it was measured on."""
    found: dict[str, Any] = {}
    if "kernel" in parts:
        found["kernel"] = {"machine": machine.describe(), **await kernel.measure()}
    if "journeys" in parts:
        rows = await journeys.measure(people, turns, in_files)
        about = {"people": people, "in_files": in_files}
        found["journeys"] = {"machine": machine.describe(), **about, "turns": rows, "median": middle(rows)}
    return found


def middle(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Of the warm turns: the median of each figure, of one that has parts of each part."""
    warm = rows[1:] or rows
    numbers = {name for name, one in warm[0].items() if isinstance(one, float)}
    return {name: median(row[name] for row in warm) for name in sorted(numbers)} | {
        "cpu_ms": {name: median(row["cpu_ms"].get(name, 0.0) for row in warm) for name in warm[0]["cpu_ms"]},
        "cpu_ms_a_person": round(median(sum(row["cpu_ms"].values()) for row in warm), 2),
    }


def lines(found: dict[str, Any]) -> list[str]:
    """As a reader sees them."""
    told: list[str] = []
    if one := found.get("kernel"):
        told.append(f"a small statement: {one['statement_us']} µs of CPU")
        told += [
            f"transactions of {row['a_transaction']:5}: {row['events_per_second']:6} events/s, "
            f"{sum(row['us'].values()):6.0f} µs an event: {row['us']}"
            for row in one["events"]
        ]
    if one := found.get("journeys"):
        told += [
            f"turn {row['turn']}: {row['journeys_per_second']} journeys/s, p50 {row['p50_s']} s, p99 {row['p99_s']} s, "
            f"{sum(row['cpu_ms'].values()):.2f} ms of CPU a person{'' if row['kept'] else ' (promises broken)'}"
            for row in one["turns"]
        ]
        told += [f"  {name:22} {cost:6.2f} ms" for name, cost in by_cost(one["median"]["cpu_ms"])]
    return told


def by_cost(cost: dict[str, float]) -> list[tuple[str, float]]:
    """The dearest first."""
    return sorted(cost.items(), key=lambda one: -one[1])


def main() -> int:
    """0 when every promise was kept in every turn."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--turns", type=int, default=4)
    parser.add_argument("--in-files", type=float, default=0.0, help="the share of people who come in files")
    told = parser.parse_args()
    found = uvloop.run(run(told.parts, people=told.people, turns=told.turns, in_files=told.in_files))
    kept = orjson.loads(RESULTS.read_bytes()) if RESULTS.exists() else {}
    RESULTS.write_bytes(orjson.dumps(kept | found, option=orjson.OPT_INDENT_2) + b"\n")
    sys.stdout.write("\n".join(lines(found)) + "\n")
    return 0 if all(row["kept"] for row in found.get("journeys", {}).get("turns", ())) else 1


if __name__ == "__main__":
    sys.exit(main())
