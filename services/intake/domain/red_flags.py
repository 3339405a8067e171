"""Yes or no to what cannot wait for a questionnaire: some of it asks for a human the same day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.intake.domain.alarms import Raised
from services.intake.domain.vocabulary import Level, RedFlag


@dataclass(frozen=True, slots=True)
class RedFlags:
    """Which flags raise an alarm, and of which level. What they mean for the step stands in the step table."""

    version: str
    alarms: Mapping[RedFlag, Level]

    def raised(self, flags: Sequence[RedFlag]) -> list[Raised]:
        """The alarms of these flags, in their order."""
        return [
            Raised(self.alarms[flag], f"flag_{flag}", self.version) for flag in flags if flag in self.alarms
        ]
