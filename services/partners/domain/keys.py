"""How many keys an organisation has, one and a second one while it changes over, and how often a use is written down."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

MOST = 2
# Whoever rotates a key looks whether the old one is still used: to the hour, so that reading seldom writes.
USE_KNOWN_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Key:
    """A key that is valid now; `valid_until` is None while nobody has said until when."""

    key_id: str
    valid_until: datetime | None


def may_create(valid: Sequence[Key]) -> Literal["yes", "rotate"]:
    """A first key; whoever has one rotates it, so that nobody forgets the old one."""
    return "rotate" if valid else "yes"


def may_rotate(valid: Sequence[Key]) -> Literal["yes", "create", "two"]:
    """A new key beside the only one."""
    if not valid:
        return "create"
    return "two" if len(valid) >= MOST else "yes"


def is_news(used_at: datetime | None, now: datetime) -> bool:
    """Whether that a key is used now is to be written down."""
    return used_at is None or now - used_at >= USE_KNOWN_FOR
