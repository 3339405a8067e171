"""Calling the duty desk: again and again until a named human has taken the alarm."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

LONGEST_RETRY_SECONDS = 30.0
# How often a colleague's own number may fail before the page goes to the desk.
OWN_TRIES = 3


@dataclass(frozen=True, slots=True)
class PagingRules:
    """Minutes until an unacknowledged alarm is paged again, by level; `otherwise` for levels not named, `handed_over`
    for whoever was named."""

    repeat_minutes: Mapping[str, float]
    otherwise: float
    handed_over: float

    def wait_minutes(self, level: str, to: str | None = None) -> float:
        """`to` is the colleague who was paged, None the desk."""
        usual = self.repeat_minutes.get(level, self.otherwise)
        return min(usual, self.handed_over) if to else usual


def reference(alarm_id: UUID) -> str:
    """What the page says and the duty list shows: the id's last six characters, random bits in every UUID
    version we use, so that it tells neither the person nor the moment (RFC 9562 §5.7)."""
    return alarm_id.hex[-6:].upper()


def number_for(to: str | None, tries: int, numbers: Mapping[str, str], desk: str) -> str:
    """Where a page goes: to the colleague's own telephone where it is known and is reached, otherwise to the desk's."""
    return desk if to is None or tries >= OWN_TRIES else numbers.get(to, desk)


def retry_seconds(tries: int) -> float:
    """How soon a page is tried again that the gateway did not take, after `tries` earlier failures: for ever."""
    return min(2.0 ** min(tries, 10), LONGEST_RETRY_SECONDS)
