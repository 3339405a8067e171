"""Coming back with code and PIN: wrong tries slow the next one down and never lock anybody out."""

from dataclasses import dataclass
from datetime import datetime, timedelta

FREE_TRIES = 3
LONGEST_WAIT = timedelta(seconds=60)  # at one try a minute a search of a million PINs takes two years
FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Tries:
    """Wrong tries at one case code since the last right one, whether or not such a case exists."""

    code: str
    failures: int = 0
    last_failed_at: datetime | None = None


def wait(tries: Tries, now: datetime) -> timedelta:
    """How long the next try still has to wait: nothing for three wrong ones, then 1, 2, 4 ... 60 seconds."""
    if tries.last_failed_at is None or tries.failures < FREE_TRIES:
        return timedelta()
    pause = min(timedelta(seconds=2 ** min(tries.failures - FREE_TRIES, 10)), LONGEST_WAIT)
    return max(tries.last_failed_at + pause - now, timedelta())


def after_failure(tries: Tries, now: datetime) -> Tries:
    """One wrong try more; what is older than a day is forgotten."""
    recent = tries.last_failed_at is not None and now - tries.last_failed_at < FORGOTTEN_AFTER
    return Tries(tries.code, tries.failures + 1 if recent else 1, now)
