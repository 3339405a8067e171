"""What the parts we stand on can do at most here, with nothing of ours round them, and how much of each a person needs.

Plain FastAPI with our body model and no database, pgbench on the insert of reservations, and a bare loop of aiokafka (benchmarks/bare/).
Each is one process or one connection, so one core's worth of it, but for the server that it asks. Turns go A B C A B C, each on
servers of its own; figures are medians of the turns with the least and the most of each rate beside them.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.bare import copying, inserts, web

Found = dict[str, Any]

# What a person needs of each: one request, one booking, so many events (docs/benchmarks.md: A person); which figure of it counts then,
# and in which process of ours we spend what stands beside it: all of that process, whatever else it does.
NEEDS = {
    "web": (1.0, "server", "intake"),
    "inserts": (1.0, "postgres", "postgres"),
    "copying": (6.9, "kafka", "kafka"),
}
RATES = {
    "web": "requests_per_second",
    "inserts": "bookings_per_second",
    "copying": "messages_per_second",
}
TOOLS = ("client", "pgbench")  # who asks is no cost of what is asked
NAMES = {
    "web": "plain FastAPI, a request",
    "inserts": "pgbench, a booking, {a_batch} a batch",
    "copying": "aiokafka, a message, {a_round} a round",
}


async def measure(turns: int, ours: Mapping[str, float]) -> Found:
    """Medians of so many turns by part, and what a person needs of it; `ours`: CPU in milliseconds a person by process, empty where it
    was never measured."""
    seen: dict[str, list[list[Found]]] = {part: [] for part in NEEDS}
    for _ in range(turns):
        with tempfile.TemporaryDirectory(prefix="hq-bench-") as folder:
            seen["web"].append([await web.measure(Path(folder))])
            seen["inserts"].append(await inserts.measure(Path(folder)))
            seen["copying"].append(await copying.measure(Path(folder)))
    person = {
        part: {"needs": needs, "ours_us": {name: round(1000 * ours[name])} if name in ours else {}}
        for part, (needs, _, name) in NEEDS.items()
    }
    middles = {
        part: [middle(rows, RATES[part]) for rows in zip(*all, strict=True)] for part, all in seen.items()
    }
    return {"turns": turns, "a_person": person, **middles}


def middle(rows: Sequence[Found], rate: str) -> Found:
    """The median of each figure of one part in all turns, and the range of its rate."""
    found = {name: _median([row[name] for row in rows]) for name in rows[0]}
    return found | {"range": [min(row[rate] for row in rows), max(row[rate] for row in rows)]}


def _median(values: Sequence[Any]) -> Any:
    if isinstance(values[0], dict):
        return {name: round(median(one[name] for one in values), 2) for name in values[0]}
    return round(median(values), 2)


def lines(found: Found) -> list[str]:
    """A table: what it does at most, what that costs, and what a person needs of it beside what we spend."""
    head = f"{'':38} {'a second':>9} {'range':>13} {'µs each':>8}  µs a person"
    return [head, *_rows(found), *_limits(found)]


def _rows(found: Found) -> Iterator[str]:
    for part, (needs, counts, _) in NEEDS.items():
        ours = found["a_person"][part]["ours_us"]
        beside = ", ".join(f"ours: {name} {cost}" for name, cost in ours.items()) or "ours was not measured"
        for row in found[part]:
            each = sum(us for name, us in row["us"].items() if name not in TOOLS)
            least, most = row["range"]
            yield (
                f"{NAMES[part].format(**row):38} {row[RATES[part]]:9.0f} {f'{least:.0f}-{most:.0f}':>13} {each:8.0f}  "
                f"{needs:g} × {counts} {row['us'][counts]:.0f} = {needs * row['us'][counts]:.0f}; {beside}"
            )


def _limits(found: Found) -> Iterator[str]:
    """Why the figures are the servers' and not those of whoever asks them."""
    [one] = found["web"]
    yield f"FastAPI was busy for {one['busy']['server']:.0%} of the time, its client for {one['busy']['client']:.0%}"
    tool = ", ".join(f"{row['us']['pgbench']:.0f}" for row in found["inserts"])
    yield f"pgbench itself took {tool} µs a booking; a booking is {found['inserts'][0]['rows_a_booking']:g} rows"
