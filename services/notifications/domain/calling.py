"""A call that somebody named as their way: when a human may make it, and what follows from what came of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.notifications.domain.addresses import BY_PHONE
from services.notifications.domain.by_hand import in_time
from services.notifications.domain.outcomes import Settled
from services.notifications.domain.sending import Channel, Contact, next_channel

CALL, RECONFIRM = "call_person", "reconfirm_contact"
REACHED, NOT_REACHED, WRONG_NUMBER, ASKED_TO_STOP = "reached", "not_reached", "wrong_number", "asked_to_stop"
OUTCOMES = (REACHED, NOT_REACHED, WRONG_NUMBER, ASKED_TO_STOP)
IN_VAIN = frozenset({NOT_REACHED, WRONG_NUMBER})
RECONFIRMED = "reconfirmed"
RECONFIRM_OUTCOMES = (RECONFIRMED, "not_found")
# Design, no source: so many calls, so far apart, or a human would ring somebody all day.
MOST_CALLS, AGAIN_AFTER = 3, timedelta(hours=2)
RECONFIRM_WITHIN = timedelta(hours=24)


def reconfirm_by(last: datetime | None, now: datetime) -> datetime:
    """By when somebody should know how a person is reached, of whom a message waits that is of no use from `last` on."""
    return in_time(last, now) if last else now + RECONFIRM_WITHIN


def gone(outcome: str) -> tuple[Channel, ...]:
    """The ways that will not do any more after this one: who is not at a number is there by none of them."""
    return tuple(sorted(BY_PHONE)) if outcome == WRONG_NUMBER else ("call",)


def after_call(
    outcome: str,
    number: int,
    contact: Contact | None,
    given_up: Sequence[Channel],
    last: datetime | None,
    now: datetime,
) -> Settled:
    """What becomes of the message after its `number`-th call; `last` is from when on it is of no use. Given up: the next
    way that the person allowed is taken."""
    if outcome == REACHED:
        return Settled("delivered")
    if outcome == ASKED_TO_STOP:
        return Settled("skipped", "stopped")
    again = now + AGAIN_AFTER
    if outcome == NOT_REACHED and number < MOST_CALLS and (last is None or again < last):
        return Settled("planned", outcome, again)
    if next_channel(contact, (*given_up, *gone(outcome))) is not None:
        return Settled("planned", outcome, now, given_up=True)
    return Settled("failed", outcome, last_chance=True)
