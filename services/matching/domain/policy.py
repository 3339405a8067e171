"""What a coordinator and a clinician may set without touching code: limits, weights, times."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from datetime import timedelta

from services.matching.domain.alternatives import Alternatives
from services.matching.domain.continuity import TellingTimes
from services.matching.domain.credentials import CredentialTable
from services.matching.domain.vocabulary import FLUENCIES, HIGHEST_STEP
from services.matching.domain.waiting import Waiting

LANGUAGES_COUNTED = 9
KILOMETRES_COUNTED = 500


class InconsistentPolicyError(Exception):
    """The policy file contradicts itself; the service does not start."""


@dataclass(frozen=True, slots=True)
class Points:
    """What a therapist costs a case, in points; the fewest win. Only `wish` may outweigh the others together.

    wish: per place down the person's list of modalities. language: per place down their list of languages.
    fluency: per level below a native speaker of that language. gender, faith: a wish that is not met. specialist:
    a specialist in nothing that the person named. again: anybody but the therapist they asked for. step_above: per
    step that the therapist can do and the case does not need. kilometre: per whole one. load: of the last free
    session of the horizon; the first costs nothing, in between it rises evenly.
    """

    wish: int
    language: int
    fluency: int
    gender: int
    faith: int
    specialist: int
    again: int
    step_above: int
    kilometre: int
    load: int

    def checked(self) -> "Points":
        """A person's wish of modality outweighs everything else together."""
        rest = self.language * LANGUAGES_COUNTED + self.fluency * len(FLUENCIES)
        rest += self.gender + self.faith + self.specialist + self.again
        rest += self.step_above * HIGHEST_STEP + self.kilometre * KILOMETRES_COUNTED + self.load
        if min(astuple(self)) < 0 or self.wish <= rest:
            raise InconsistentPolicyError(f"wish must be above {rest} points, and none below zero")
        return self


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of the rules. `review_days` and `alarm_priority` are by priority and by alarm level."""

    version: str
    attempts: int
    candidates: int
    minutes: int
    notice: timedelta
    horizon: timedelta
    radius_km: float
    weekly_limit_most: int
    credentials: CredentialTable
    points: Points
    review_days: Mapping[int, int]
    alarm_priority: Mapping[str, int]
    waiting: Waiting
    alternatives: Alternatives
    continuity: TellingTimes

    @property
    def weeks(self) -> int:
        """Whole weeks of the horizon: a weekly limit times this is what a therapist can take."""
        return self.horizon.days // 7

    def review_after(self, priority: int) -> timedelta:
        """How long somebody of this priority waits for the next look; an unknown one as the most urgent."""
        days = self.review_days.get(priority, min(self.review_days.values()))
        return timedelta(days=days)

    def priority_of(self, level: str) -> int:
        """What an alarm of this level means for the order of cases; an unknown level counts as the highest."""
        return self.alarm_priority.get(level, max(self.alarm_priority.values()))
