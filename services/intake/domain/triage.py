"""The step of care a request begins at, by a versioned table: the highest row wins, every reason is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.intake.domain.screening import Reading
from services.intake.domain.vocabulary import Level


@dataclass(frozen=True, slots=True)
class Row:
    """One row: it holds if any of its conditions does. `instrument` and the totals belong together."""

    reason: str
    step: int
    priority: int
    problem_areas: frozenset[str] = frozenset()
    instrument: str | None = None
    least: int = 0
    most: int = 0


@dataclass(frozen=True, slots=True)
class Floor:
    """What an alarm of one level means for care: lowest step, priority, and whether a human goes first."""

    step: int
    priority: int
    waits_for_human: bool


@dataclass(frozen=True, slots=True)
class StepTable:
    """Rows from the gravest to the lightest; `otherwise` holds when none does (an unscreened request)."""

    version: str
    rows: tuple[Row, ...]
    otherwise: Row
    floors: Mapping[Level, Floor]


@dataclass(frozen=True, slots=True)
class Triage:
    """Where care begins; the step is a floor, matching may go higher."""

    step: int
    priority: int
    reasons: tuple[str, ...]
    waits_for_human: bool


def triage(table: StepTable, problem_areas: Sequence[str], readings: Sequence[Reading]) -> Triage:
    """The gravest row that holds, raised to the floor of the gravest alarm."""
    totals = {reading.instrument: reading.total for reading in readings if reading.total is not None}
    holding = [row for row in table.rows if _holds(row, problem_areas, totals)] or [table.otherwise]
    levels = {reading.alarm.level for reading in readings if reading.alarm}
    floors = [table.floors[level] for level in sorted(levels, reverse=True)]
    return Triage(
        max([row.step for row in holding] + [floor.step for floor in floors]),
        max([row.priority for row in holding] + [floor.priority for floor in floors]),
        tuple(
            [f"alarm_{level.lower()}" for level in sorted(levels, reverse=True)]
            + [row.reason for row in holding]
        ),
        any(floor.waits_for_human for floor in floors),
    )


def _holds(row: Row, problem_areas: Sequence[str], totals: Mapping[str, int]) -> bool:
    if not row.problem_areas.isdisjoint(problem_areas):
        return True
    if row.instrument is None or row.instrument not in totals:
        return False
    return row.least <= totals[row.instrument] <= row.most
