"""What became of every event of a run, from what writers were told and readers wrote down."""

import contextlib
import itertools
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Set
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

Place = tuple[str, int]
Rows = Callable[[str, str], Awaitable[list[Any]]]

# Offsets that a disturbance has put beyond every log; an operator's way back from there is not a step back.
NOWHERE = 10**9
BACKWARDS = f"SELECT count(*) FROM moves WHERE became <= was AND was < {NOWHERE}"
# A bell that failed for good is on the duty desk; whatever else did was to be applied again.
OPEN = "SELECT count(*) FROM dead_letters WHERE state = 'open' AND grp <> 'bell'"
PARKED = "SELECT count(*) FROM parked"
READ_BY = {"matching": ("page-", "bell-"), "scheduling": ("page-",)}


@dataclass(slots=True)
class Verdict:
    """What the checker found. `kills`, `cuts`, `poisons` and `losses` say how hard it was tried."""

    events: int = 0
    lost: int = 0
    duplicated: int = 0
    reordered: int = 0
    invented: int = 0
    undone: int = 0
    backwards: int = 0
    parked: int = 0
    dead_letters: int = 0
    kills: int = 0
    cuts: int = 0
    poisons: int = 0
    losses: int = 0

    @property
    def found(self) -> dict[str, int]:
        """The checks that fail, each with how often."""
        tried = ("events", "kills", "cuts", "poisons", "losses")
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: count for name, count in values.items() if count and name not in tried}

    @property
    def clean(self) -> bool:
        """Nothing lost, twice, out of order, made up, left lying, or undone after it was acknowledged."""
        return not self.found


async def check(rows: Rows, acknowledged: Path, refused: Set[tuple[str, int, int]], verdict: Verdict) -> None:
    """Fills in the verdict; the processes must have ended. `refused` bells could never be applied by anybody."""
    truth = {(r["page"], r["line"]): r["number"] for r in await rows("intake", "SELECT * FROM lines")}
    verdict.events = sum(truth.values())
    verdict.undone = sum(truth.get(place, 0) < number for place, number in _acknowledged(acknowledged))
    for schema, pages in READ_BY.items():
        seen: dict[Place, list[int]] = defaultdict(list)
        for row in await rows(schema, "SELECT page, line, number FROM applied ORDER BY id"):
            seen[row["page"], row["line"]].append(row["number"])
        theirs = {place: last for place, last in truth.items() if place[0].startswith(pages)}
        _compare(theirs, seen, refused, verdict)
        verdict.backwards += (await rows(schema, BACKWARDS))[0][0]
    for schema in ("intake", *READ_BY):
        verdict.dead_letters += (await rows(schema, OPEN))[0][0]
        verdict.parked += (await rows(schema, PARKED))[0][0]


def _acknowledged(log: Path) -> Iterator[tuple[Place, int]]:
    """(page, line) and the number that a writer was told is durable."""
    for line in log.read_text().splitlines():
        with contextlib.suppress(ValueError):  # the last line of a killed writer may be cut short
            yield from (((page, of_page), number) for page, of_page, number in json.loads(line))


def _compare(
    truth: Mapping[Place, int],
    seen: Mapping[Place, list[int]],
    refused: Set[tuple[str, int, int]],
    verdict: Verdict,
) -> None:
    for place, last in truth.items():
        numbers = seen.get(place, [])
        first = list(dict.fromkeys(numbers))
        due = {number for number in range(1, last + 1) if (*place, number) not in refused}
        verdict.lost += len(due - {*first})
        verdict.invented += sum(number > last for number in first)
        verdict.duplicated += len(numbers) - len(first)
        verdict.reordered += sum(a > b for a, b in itertools.pairwise(first))
