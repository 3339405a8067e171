"""What a coordinator has to see to, so that nobody's care ends because of somebody else's date."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

TaskKind = Literal["hour", "displaced", "credential"]
Outcome = Literal["rebooked", "told", "stays", "not_reached", "renewed", "not_renewed"]

OUTCOMES: dict[TaskKind, tuple[Outcome, ...]] = {
    "hour": ("rebooked", "told", "stays", "not_reached"),
    "displaced": ("rebooked", "told", "stays", "not_reached"),
    "credential": ("renewed", "not_renewed"),
}
# The higher, the more urgent: somebody waits for an hour that will not be; a credential has weeks.
PRIORITIES: dict[TaskKind, int] = {"hour": 1, "displaced": 1, "credential": 0}


@dataclass(frozen=True, slots=True)
class TellingTimes:
    """Whoever is booked with somebody who cannot see them is told `within` this time, and `before` the hour begins."""

    version: str
    within: timedelta
    before: timedelta


@dataclass(frozen=True, slots=True)
class Task:
    """An hour that is booked with somebody who is out then (`hour`) or has lost its day (`displaced`), or a credential that
    is to be renewed.

    `until` is the end of the hour, or of the credential; `case_id` whose hour it is. `outcome` and by whom once it is
    closed: `not_needed` when nobody had to, for the hour or the suspension is no more.
    """

    task_id: UUID
    kind: TaskKind
    therapist_id: UUID
    case_id: UUID | None
    until: datetime
    due_by: datetime
    opened_at: datetime
    closed_at: datetime | None = None
    closed_by: str | None = None
    closed_by_name: str | None = None
    outcome: str | None = None
