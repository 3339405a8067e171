"""What a gateway's answer means for a message: over, again later, or nobody can tell."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from services.notifications.domain.sending import Channel, wait_seconds


@dataclass(frozen=True, slots=True)
class Accepted:
    """The gateway took it and gave it a number."""

    gateway_id: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The gateway, or we ourselves, will never take it."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotTaken:
    """It certainly did not leave; it may be tried again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unclear:
    """It was handed over and no answer came."""

    reason: str


Outcome = Accepted | Rejected | NotTaken | Unclear


@dataclass(frozen=True, slots=True)
class Settled:
    """A message after a try. In state `planned` or `sending` it is due again at `due_at`."""

    state: Literal["delivered", "failed", "planned", "sending"]
    reason: str | None = None
    due_at: datetime | None = None
    tried_by: Channel | None = None
    last_chance: bool = False


def settle(outcome: Outcome, channel: Channel, purpose: str, tries: int, now: datetime) -> Settled:
    """`tries` counts this one. An unclear mail is never sent again; an unclear SMS is, with its own id."""
    if isinstance(outcome, Accepted):
        return Settled("delivered")
    if isinstance(outcome, Rejected):
        return Settled("failed", outcome.reason, last_chance=True)
    if isinstance(outcome, Unclear) and channel != "sms":
        return unknown(purpose, channel)
    wait = wait_seconds(tries)
    if wait is None:
        return Settled("failed", outcome.reason, last_chance=True)
    again = now + timedelta(seconds=wait)
    if isinstance(outcome, Unclear):
        return Settled("sending", outcome.reason, again, tried_by=channel)
    return Settled("planned", outcome.reason, again)


def unknown(purpose: str, channel: Channel) -> Settled:
    """Recorded as unknown; a human is asked to tell the person, except for a reminder (told before)."""
    return Settled("failed", "outcome_unknown", tried_by=channel, last_chance=purpose != "reminder")
