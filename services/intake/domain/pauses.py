"""Pauses and their ends: a person asks for one, and it ends when they, a coordinator for them, or its date says so.

While a case is paused its gate stays shut, which is all that matching has to know of it. An hour that was cancelled or
missed pauses a case too, with an open gate: there matching is told after which attempt the search goes on.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from services.intake.domain.invitations import decided, let_go
from services.intake.domain.refusals import Refusal
from services.intake.domain.requests import Consent, unknown_text, withheld
from services.intake.domain.states import ENDED_HOURS, Fact, Standing
from services.intake.domain.vocabulary import Channel
from services.intake.domain.wishes import KeptRequest

# Design, no source: whoever is away for longer asks anew, for by then their wishes and their contact are old.
LONGEST = timedelta(days=180)
Refused = Literal["closed", "stale", "not_pausable", "not_paused", "consent_needed"]


def can_wait(state: str, reason: str | None) -> bool:
    """Whether a search is under way that can wait, or waits: whoever is paused may wait longer, but nobody is looked for
    who has not asked for it. Whoever waits for a human or a consent waits already."""
    return state in ("matching", "offered", "waitlisted", "paused") and reason != "not_asked_yet"


def paused(
    before: KeptRequest, stands: Standing, seen_version: int, until: date | None, now: datetime
) -> KeptRequest | Refused | Refusal:
    """The request after its person asked to wait; the same one if it waits so already.

    `until` is the day on which the search goes on by itself, by the clock of the person; None is until they ask.
    """
    if refused := _not_now(before, seen_version):
        return refused
    if not can_wait(stands.state, before.paused_for):
        return "not_pausable"
    if until and (wrong := _unfitting(until, before.needs.time_zone, now)):
        return wrong
    ends = first_moment(until, before.needs.time_zone) if until else None
    after = replace(
        before, gate="waits_for_human", paused_for=before.paused_for or "on_request", paused_until=ends
    )
    return before if after == before else decided(after, now)


def resumed(
    before: KeptRequest,
    stands: Standing,
    seen_version: int,
    *,
    after_attempt: int,
    agreed_to_care: bool,
    now: datetime,
) -> KeptRequest | Refused:
    """The request after somebody let it go on; `after_attempt` is the last one that is over."""
    if refused := _not_now(before, seen_version):
        return refused
    if stands.state != "paused":
        return "not_paused"
    if not agreed_to_care:
        return "consent_needed"
    return going_on(before, after_attempt, now)


def over(before: KeptRequest, now: datetime) -> bool:
    """Whether the date of its pause has come."""
    return not before.closed and before.paused_until is not None and before.paused_until <= now


def going_on(before: KeptRequest, after_attempt: int, now: datetime) -> KeptRequest:
    """The request without its pause; a consent that is missing is waited for as before, one that was refused ends it."""
    after = replace(
        let_go(before, now),
        paused_for=None,
        paused_until=None,
        resumed_at=now,
        resumed_after=after_attempt,
    )
    return decided(after, now)


def last_ended(fact: Fact | None) -> int:
    """The last attempt that is known to be over: one that was booked or is being booked may still end well."""
    if fact is None:
        return 0
    return fact.attempt if fact.kind in ENDED_HOURS else max(fact.attempt - 1, 0)


def without_consent(agreed: Consent, channel: Channel, texts: Sequence[str]) -> list[Refusal]:
    """What is missing in the consent of somebody who had only called for help."""
    return [
        *unknown_text(agreed.text_version, texts),
        *withheld(agreed, channel, "nobody can be told of an hour"),
    ]


def first_moment(day: date, time_zone: str) -> datetime:
    """When this day begins there."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(time_zone)).astimezone(UTC)


def _unfitting(day: date, time_zone: str, now: datetime) -> Refusal | None:
    today = now.astimezone(ZoneInfo(time_zone)).date()
    if day <= today:
        return Refusal("/until", "over_already", "the day has begun already")
    if day - today > LONGEST:
        return Refusal("/until", "too_far", f"a pause lasts {LONGEST.days} days at most")
    return None


def _not_now(before: KeptRequest, seen_version: int) -> Refused | None:
    if before.closed:
        return "closed"
    return "stale" if before.version != seen_version else None
