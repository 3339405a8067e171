"""What a gateway's answer means for a message: over, again later, or nobody can tell."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from services.notifications.domain.sending import NEVER_TWICE, Channel, wait_seconds


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
    """A message after a try. In state `planned` or `sending` it is due again at `due_at`; `given_up` says that the next
    try goes another way. `delivered` and `skipped` follow from a call alone."""

    state: Literal["sent", "failed", "planned", "sending", "delivered", "skipped"]
    reason: str | None = None
    due_at: datetime | None = None
    tried_by: Channel | None = None
    last_chance: bool = False
    given_up: bool = False


def after(tried_by: Channel | None, outcome: Outcome) -> Outcome:
    """What it means for a message of which an earlier try by `tried_by` may have arrived: that the gateway takes nothing now
    does not change that."""
    return Unclear(outcome.reason) if tried_by and isinstance(outcome, NotTaken) else outcome


def settle(
    outcome: Outcome, channel: Channel, purpose: str, tries: int, now: datetime, *, others: bool = False
) -> Settled:
    """`tries` counts this one. What is unclear is never sent again, not by this way nor by another, but an SMS, with its
    own id. `others`: the person allowed another channel, which is taken when this one will not do."""
    if isinstance(outcome, Accepted):
        return Settled("sent")
    if isinstance(outcome, Unclear) and channel in NEVER_TWICE:
        return unknown(purpose, channel)
    wait = None if isinstance(outcome, Rejected) else wait_seconds(tries)
    if wait is None and others and not isinstance(outcome, Unclear):
        return Settled("planned", outcome.reason, now, given_up=True)
    if wait is None:
        return Settled("failed", outcome.reason, last_chance=True)
    again = now + timedelta(seconds=wait)
    if isinstance(outcome, Unclear):
        return Settled("sending", outcome.reason, again, tried_by=channel)
    return Settled("planned", outcome.reason, again)


def unknown(purpose: str, channel: Channel) -> Settled:
    """Recorded as unknown; a human is asked to tell the person, except for a reminder (told before)."""
    return Settled("failed", "outcome_unknown", tried_by=channel, last_chance=purpose != "reminder")
