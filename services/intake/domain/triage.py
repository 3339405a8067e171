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
    red_flags: frozenset[str] = frozenset()
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


@dataclass(frozen=True, slots=True)
class Told:
    """What a step is chosen by: the problems and red flags named, the readings, the levels of the alarms raised."""

    problem_areas: Sequence[str] = ()
    red_flags: Sequence[str] = ()
    readings: Sequence[Reading] = ()
    levels: frozenset[Level] = frozenset()


def triage(table: StepTable, told: Told) -> Triage:
    """The gravest row that holds, raised to the floor of the gravest alarm."""
    totals = {reading.instrument: reading.total for reading in told.readings if reading.total is not None}
    holding = [row for row in table.rows if _holds(row, told, totals)] or [table.otherwise]
    levels = sorted(told.levels, reverse=True)
    floors = [table.floors[level] for level in levels]
    return Triage(
        max([row.step for row in holding] + [floor.step for floor in floors]),
        max([row.priority for row in holding] + [floor.priority for floor in floors]),
        tuple([f"alarm_{level.lower()}" for level in levels] + [row.reason for row in holding]),
        any(floor.waits_for_human for floor in floors),
    )


def _holds(row: Row, told: Told, totals: Mapping[str, int]) -> bool:
    if not (row.problem_areas.isdisjoint(told.problem_areas) and row.red_flags.isdisjoint(told.red_flags)):
        return True
    if row.instrument is None or row.instrument not in totals:
        return False
    return row.least <= totals[row.instrument] <= row.most
