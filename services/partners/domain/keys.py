"""How many keys an organisation has: one, and a second one while it changes over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

MOST = 2


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
