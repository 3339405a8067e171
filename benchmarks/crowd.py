"""Whether a person costs more where there are more therapists to choose from: the same people, in a small country and a large one."""

from typing import Any

from benchmarks import flat, steady

SMALL = 1000


async def measure(many: int) -> dict[str, Any]:
    """On a stack of its own for each number of therapists; `ratio` is what a person costs among `many` against among SMALL."""
    found: dict[str, Any] = {}
    for number in (SMALL, many):
        async with steady.country(number) as stack:
            row, _ = await flat.person(stack)
        found[str(number)] = row
    return found | {
        "therapists": many,
        "ratio": round(found[str(many)]["cost_ms"] / found[str(SMALL)]["cost_ms"], 3),
    }
