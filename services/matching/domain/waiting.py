"""What a coordinator may set about people who choose or wait: times, bands, and how a long wait raises a case."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta


class UnfairWaitingError(Exception):
    """A wait could lift a case above people who may be in danger; the service does not start."""


@dataclass(frozen=True, slots=True)
class Ageing:
    """Each `step` of waiting raises a case by one step of priority, but never above `highest`."""

    step: timedelta
    highest: int

    def raised(self, priority: int, waited: timedelta) -> int:
        """By how much the wait raises a case of this priority; one that stands higher already is left there."""
        steps = max(waited // self.step, 0)
        return max(min(priority + steps, self.highest) - priority, 0)


@dataclass(frozen=True, slots=True)
class Waiting:
    """`choices` is how many therapists are offered at once; `bands_km` rise; `hours_to_choose` is by priority. `kept` is how
    long an hour with one of them is kept.

    `rest` is how long whoever found no hour is left alone before more room wakes them: each try in vain is told.
    """

    version: str
    choices: int
    hours_to_choose: Mapping[int, int]
    kept: timedelta
    bands_km: tuple[int, ...]
    ageing: Ageing
    wake_every: timedelta
    woken_at_once: int
    rest: timedelta

    def checked(self, alarm_priority: Mapping[str, int]) -> "Waiting":
        """However long somebody waits, whoever may be in danger goes first."""
        if self.ageing.highest >= min(alarm_priority.values()):
            raise UnfairWaitingError(f"ageing ends below {min(alarm_priority.values())}")
        return self

    def time_to_choose(self, priority: int) -> timedelta:
        """How long an offer stands; for an unknown priority as long as for the most urgent."""
        hours = self.hours_to_choose.get(priority, min(self.hours_to_choose.values()))
        return timedelta(hours=hours)

    def time_kept(self, priority: int) -> timedelta:
        """How long an hour is kept for an offer: never longer than it stands."""
        return min(self.kept, self.time_to_choose(priority))

    def band_km(self, kilometres: float) -> int | None:
        """The narrowest band that holds this distance; None beyond all of them."""
        return next((band for band in self.bands_km if kilometres <= band), None)
