"""What is worked out of one turn: when people were told, and what they cost."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks import usage
from simulation.timing import percentile


def row(posted: Mapping[int, float], told: Mapping[int, float], cpu: Mapping[str, float]) -> dict[str, Any]:
    """From the moments in which people had posted and were told (seconds since the epoch, by number), and CPU seconds by part:
    journeys a second from the first post to the last news, how long people waited, and milliseconds of CPU a person told."""
    known = sorted(told[number] - began for number, began in posted.items() if number in told)
    if not known:
        return {"people": len(posted), "journeys": 0, "cpu_ms": {}}
    seconds = max(told[number] for number in posted if number in told) - min(posted.values())
    return {
        "people": len(posted),
        "journeys": len(known),
        "seconds": round(seconds, 2),
        "journeys_per_second": round(len(known) / seconds, 1),
        "p50_s": round(percentile(known, 0.5), 3),
        "p99_s": round(percentile(known, 0.99), 3),
        "cpu_ms": usage.milliseconds_each(cpu, len(known)),
    }


def best(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Of one peer's settings the one with the most journeys a second, of those that told the most people."""
    return max(rows, key=lambda one: (one["journeys"], one.get("journeys_per_second", 0.0)))


def line(one: Mapping[str, Any]) -> str:
    """As a reader sees it."""
    head = f"{one['peer']:10} concurrency {one['concurrency']:>3}: {one['journeys']} of {one['people']} told"
    if one["journeys"] < one["people"]:
        head += f" (answers {one.get('answers')}, reached {one.get('reached')})"
    if not one["journeys"]:
        return head
    cost = ", ".join(
        f"{name} {ms:.2f}" for name, ms in sorted(one["cpu_ms"].items(), key=lambda part: -part[1])
    )
    return (
        f"{head}, {one['journeys_per_second']} journeys/s, p50 {one['p50_s']} s, p99 {one['p99_s']} s, "
        f"{sum(one['cpu_ms'].values()):.2f} ms of CPU a person ({cost})"
    )
