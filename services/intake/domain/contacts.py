"""Contact points: how and when a person says it is safe to be reached."""

import re
from dataclasses import dataclass

from services.intake.domain.refusals import Refusal
from services.intake.domain.vocabulary import Channel, MessageLanguage, Owner, Script

# A number nobody has confirmed for this long is quiet until it is confirmed again: phones change hands
# (facts: contact points expire after 30-60 days).
CONFIRMED_FOR_DAYS = 60

_DIGITS = str.maketrans("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "01234567890123456789")
# What people and keyboards put between digits: spaces, hyphens and dashes, brackets, dots, slashes, and the
# invisible direction marks that come with numbers pasted out of right-to-left text.
_BETWEEN = re.compile("[ \u00a0\\-\u2010-\u2015().\u002f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
# A Pakistani mobile is 3 and nine digits after the country code or the national 0; the network cannot be
# told from the prefix because numbers are portable.
_MOBILE = re.compile(r"(?:(?:\+|00)?920?|0)?(3[0-9]{9})")
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,63}")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Window:
    """A window that comes back each week in local wall time: ISO day 1-7, minutes after midnight."""

    day: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Contact:
    """One contact point; the address is clear here and sealed before it is saved."""

    channel: Channel
    address: str | None
    language: MessageLanguage
    script: Script
    safe_windows: tuple[Window, ...]
    owner: Owner

    @property
    def reachable(self) -> bool:
        """Whether somebody else can begin the conversation."""
        return self.channel != "inbox"


# Who names no windows is written to between nine and nine.
USUAL_WINDOWS = tuple(Window(day, 9 * 60, 21 * 60) for day in range(1, 8))


def read_address(channel: Channel, address: str | None) -> str | Refusal | None:
    """The address in the one form it is kept in: E.164 or a mailbox with a lower-case domain."""
    if channel == "inbox":
        return _no_address(address)
    if address is None or not address.strip():
        return Refusal("/contact/address", "missing", f"channel {channel} needs an address")
    if _CONTROL.search(address):
        return Refusal("/contact/address", "control_character", "the address holds a control character")
    return _phone(address) if channel == "sms" else _email(address)


def _no_address(address: str | None) -> Refusal | None:
    if address is None:
        return None
    return Refusal("/contact/address", "not_allowed", "channel inbox has no address")


def _phone(text: str) -> str | Refusal:
    found = _MOBILE.fullmatch(_BETWEEN.sub("", text).translate(_DIGITS))
    if found is None:
        return Refusal("/contact/address", "not_a_mobile_number", "a Pakistani mobile number is needed")
    return f"+92{found[1]}"


def _email(text: str) -> str | Refusal:
    text = text.strip()
    if len(text) > 254 or _EMAIL.fullmatch(text) is None:
        return Refusal("/contact/address", "not_an_email_address", "an e-mail address is needed")
    local, _, domain = text.rpartition("@")
    return f"{local}@{domain.lower()}"
