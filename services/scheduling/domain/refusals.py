"""What cannot be done, as codes that people and frontends can act on."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.scheduling.domain.calendars import Fault


@dataclass(slots=True)
class Refused(Exception):
    """`faults` name fields; `alternatives` are starts (UTC minutes) that were open at the moment of asking, and
    `possible_from` is the first minute at which it will be possible."""

    code: str
    detail: str = ""
    faults: Sequence[Fault] = ()
    alternatives: Sequence[int] = ()
    possible_from: int | None = None


def invalid(faults: Sequence[Fault]) -> Refused:
    """Fields that cannot be accepted."""
    return Refused("invalid_request", "Some fields cannot be accepted.", faults)


def next_version(standing: int | None, seen: int | None, *, same: bool) -> tuple[int, bool]:
    """The version that stands after a write, and whether anything changes: writing the same again is free.

    `standing` is the version that stands, `seen` the one the writer knows. Raises Refused.
    """
    if standing is None:
        return 1, True
    if same:
        return standing, False
    check_seen(standing, seen)
    return standing + 1, True


def check_seen(standing: int, seen: int | None) -> None:
    """Nobody changes what they have not seen. Raises Refused."""
    if seen is None:
        raise Refused("version_missing", "Say in If-Match which version you have seen.")
    if seen != standing:
        raise Refused("stale_version", "It has changed since; please look again.")
