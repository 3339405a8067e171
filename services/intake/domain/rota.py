"""Who is on duty: shifts as a coordinator enters them, and whether somebody is there now for an alarm of a level."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import get_args
from uuid import UUID

from services.intake.domain.alarms import Staff
from services.intake.domain.refusals import Refusal
from services.intake.domain.vocabulary import Level

# No published number: longer is more likely a wrong date than somebody's week on call (design).
LONGEST = timedelta(days=7)
LEVELS: tuple[Level, ...] = get_args(Level)


@dataclass(frozen=True, slots=True)
class Shift:
    """One human, from (included) until (not included), for alarms of these levels."""

    shift_id: UUID
    staff: Staff
    begins: datetime
    ends: datetime
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Staffing:
    """The rota at a moment: `shifts` are those that are not over, `entered` tells whether there has ever been one.

    Without any nobody knows who is there: that is neither yes nor no.
    """

    now: datetime
    entered: bool
    shifts: tuple[Shift, ...] = ()

    @property
    def on_duty(self) -> tuple[Shift, ...]:
        """Those who are on now."""
        return tuple(one for one in self.shifts if one.begins <= self.now < one.ends)

    @property
    def unstaffed_levels(self) -> tuple[Level, ...]:
        """Levels that nobody is there for now; none while there is no rota."""
        there = {level for one in self.on_duty for level in one.levels}
        return tuple(level for level in LEVELS if self.entered and level not in there)

    def staffed(self, levels: Sequence[Level] = LEVELS) -> bool | None:
        """Whether somebody is on for each of these levels; None without a rota."""
        return not set(levels) & set(self.unstaffed_levels) if self.entered else None

    def next_staffed_at(self, level: Level) -> datetime | None:
        """When the next shift for this level begins; None when somebody is on already, or nobody is planned."""
        if self.staffed((level,)):
            return None
        later = [one.begins for one in self.shifts if level in one.levels and one.begins > self.now]
        return min(later, default=None)


def next_on(staffing: Staffing, level: Level, asked: Sequence[str]) -> Staff | None:
    """Whom to ask next for an alarm of this level: of those who are on whoever was not asked yet, the longest on duty
    first, then whoever was asked longest ago. `asked` are their ids, oldest first; None where nobody is on."""
    last = {staff_id: place for place, staff_id in enumerate(asked)}
    there = [one.staff for one in staffing.on_duty if level in one.levels]
    return min(there, key=lambda staff: last.get(staff.id, -1), default=None)


def unfitting(begins: datetime, ends: datetime, now: datetime) -> list[Refusal]:
    """What is wrong with a shift from and until these moments."""
    if ends <= begins:
        return [Refusal("/to", "end_before_start", "a shift ends after it begins")]
    if ends <= now:
        return [Refusal("/to", "over_already", "this shift is over already")]
    if ends - begins > LONGEST:
        return [Refusal("/to", "too_long", f"a shift lasts {LONGEST.days} days at most")]
    return []
