"""What becomes of a message at the moment it is due: decided from what is true now, not from when it was planned."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from services.notifications.domain.windows import Hours, Limit, Window, next_closing, next_opening

Channel = Literal["sms", "whatsapp", "email", "call", "inbox"]
# Ways that need no gateway: the person's own page, and a human who calls.
BY_OURSELVES: frozenset[Channel] = frozenset({"inbox", "call"})
# Ways on which a second copy is not dropped: mail servers promise nothing of the kind (RFC 5321 §6.1), and WhatsApp's
# Cloud API takes no idempotency key. A try of unknown outcome is never repeated there.
NEVER_TWICE: frozenset[str] = frozenset({"email", "whatsapp"})
# Ten tries are about an hour: longer than a gateway's usual fault, short enough for a human to step in.
MAX_TRIES = 10
# Three days after an hour that somebody missed they have long made up their mind about it.
CHECKIN_WITHIN = timedelta(days=3)
# What is still told of a case that has ended: that an hour of it will not take place.
AFTER_THE_END = frozenset({"cancelled"})
# What is told of a wait: as long as nobody was found.
WHILE_WAITING = frozenset({"waitlisted", "alternative"})
# What holds a code and a PIN is for the eyes of one person, and is read to nobody by anybody.
INVITING: frozenset[str] = frozenset({"consent_request", "invitation"})
# For what a message is put off until the person's contact comes anew.
UNREADABLE, UNCONFIRMED = "address_unreadable", "contact_unconfirmed"
AWAITS_A_CONTACT: frozenset[str] = frozenset({UNREADABLE, UNCONFIRMED})
# How long a human is asked for one call; then it is looked at again.
LONGEST_CALL = timedelta(hours=24)
HELD_WAIT = timedelta(seconds=30)
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 2.0, 900.0


@dataclass(frozen=True, slots=True)
class Contact:
    """How a person may be reached; the address stays sealed until the vault gives the key. `channels` are those that the
    person allowed and that we can send on, in the person's order."""

    channels: Sequence[Channel]
    windows: Sequence[Window]
    time_zone: str
    confirmed_until: datetime | None
    has_address: bool


@dataclass(frozen=True, slots=True)
class Subject:
    """What the message is about as it stands now: an appointment, a case on the waiting list, a proposal, or an
    invitation. From `start` on there is nothing to tell (the hour has begun, the proposal or the invitation has ended),
    but to those who missed it."""

    version: int
    state: Literal[
        "booked",
        "arrived",
        "fulfilled",
        "no_show",
        "cancelled",
        "waitlisted",
        "left_waitlist",
        "offered",
        "invited",
        "answered",
    ]
    start: datetime | None


@dataclass(frozen=True, slots=True)
class Due:
    """A message whose time has come. `tried_by` names the channel of a try with no recorded outcome;
    `held` says that news about this case or person is parked, so that we may know less than is true;
    `given_up` are the channels that will not take it; `ended` says that the case has come to its end."""

    purpose: str
    version: int
    tried_by: Channel | None
    stopped: bool
    held: bool
    subject: Subject | None
    contact: Contact | None
    given_up: Sequence[Channel] = ()
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Send:
    """May go now, this way; a call, which a human makes, not later than `until`."""

    channel: Channel
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Later:
    """May go, but not before this moment; `reason` is what it waits for, None for the hours in which it may."""

    at: datetime
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Skip:
    """Will never go, for this reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """It was handed over once and nobody can tell whether it arrived; it may not go again."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class Exhausted:
    """Whatever else the person allowed is no way that there is here (any more); this one was tried last, in vain."""

    channel: Channel


Decision = Send | Later | Skip | Unknown | Exhausted


def decide(message: Due, now: datetime, limits: Sequence[Limit] = ()) -> Decision:
    """The send-time table: stop, then truth, then channel, then window: the person's, within what `limits` allow.

    A try with no recorded outcome stays unknown on a way that does not drop the second one; an SMS is tried again
    with its own id, which the gateway honours.
    """
    if message.tried_by in NEVER_TWICE:
        return Unknown(message.tried_by)
    reason = "stopped" if message.stopped else _outdated(message, now)
    if reason is None:
        return Later(now + HELD_WAIT) if message.held else _how(message, now, limits)
    return Unknown(message.tried_by) if message.tried_by else Skip(reason)


def _outdated(message: Due, now: datetime) -> str | None:
    """Why the message no longer tells the truth, or None."""
    if message.ended and message.purpose not in AFTER_THE_END:
        return "case_ended"
    subject = message.subject
    if subject is None:
        return "superseded"
    if message.purpose in WHILE_WAITING:
        return None if subject.state == "waitlisted" else "superseded"
    if subject.state == "answered":
        return "superseded"
    if subject.state == "cancelled" and message.purpose != "cancelled":
        return "cancelled"
    if subject.version != message.version:
        return "superseded"
    if (subject.state == "no_show") != (message.purpose == "checkin"):
        return "hour_over" if subject.state == "no_show" else "superseded"
    last = last_moment(message)
    return "too_late" if last is not None and last <= now else None


def last_moment(message: Due) -> datetime | None:
    """From when on the message is of no use: the hour has begun, or too much time has passed to ask how somebody is."""
    start = message.subject.start if message.subject else None
    return start + CHECKIN_WITHIN if start and message.purpose == "checkin" else start


def _how(message: Due, now: datetime, limits: Sequence[Limit]) -> Decision:
    contact = message.contact
    unspoken = ("call",) if message.purpose in INVITING else ()
    channel = next_channel(contact, (*message.given_up, *unspoken))
    if message.tried_by and channel != message.tried_by:
        return Unknown(message.tried_by)
    if contact is None or channel is None:
        return Exhausted(message.given_up[-1]) if message.given_up else Skip("no_channel")
    if channel == "inbox":
        return Send("inbox")
    if not contact.has_address:
        return Skip("no_address")
    if contact.confirmed_until is None or contact.confirmed_until <= now:
        return _unconfirmed(message)
    limited = [one.hours for one in limits if channel in one.channels]
    return _when(message, [Hours(contact.windows, contact.time_zone), *limited], channel, now)


def _unconfirmed(message: Due) -> Decision:
    """Whoever confirms in time is told; where there is no last moment the person's own page says it as well."""
    last = last_moment(message)
    return Skip(UNCONFIRMED) if last is None or message.tried_by else Later(last, UNCONFIRMED)


def _when(message: Due, hours: Sequence[Hours], channel: Channel, now: datetime) -> Decision:
    at = next_opening(hours, now)
    last = last_moment(message)
    if at == now:
        ends = (now + LONGEST_CALL, last, next_closing(hours, now)) if channel == "call" else ()
        return Send(channel, min((one for one in ends if one is not None), default=None))
    if at is None or (last is not None and at >= last):
        return Unknown(message.tried_by) if message.tried_by else Skip("no_safe_window")
    return Later(at)


def next_channel(contact: Contact | None, given_up: Collection[str]) -> Channel | None:
    """The first channel the person allowed, in the person's order, that has not been given up: never another one."""
    allowed = contact.channels if contact else ()
    return next((channel for channel in allowed if channel not in given_up), None)


def wait_seconds(tries: int) -> float | None:
    """How long to wait after the `tries`-th failed try (1, 2, …); None when it has been tried enough."""
    if tries >= MAX_TRIES:
        return None
    return float(min(FIRST_WAIT_SECONDS * 4 ** (tries - 1), LONGEST_WAIT_SECONDS))
