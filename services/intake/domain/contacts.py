"""Contact points: how and when a person says it is safe to be reached."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import phonenumbers

from services.intake.domain.refusals import Refusal
from services.intake.domain.vocabulary import Channel, MessageLanguage, Owner, Script

# A number nobody has confirmed for this long is quiet until it is confirmed again: phones change hands
# (facts: contact points expire after 30-60 days).
CONFIRMED_FOR_DAYS = 60
PAKISTAN = 92

# A Pakistani mobile: 3 and nine more digits. Not `is_valid_number`: it knows the networks of the day it was made, and a
# person whose network is newer must not be turned away. The network cannot be told from the prefix anyway.
_MOBILE = re.compile(r"3[0-9]{9}")
# As most people write it: +92, 0092 or 0, a space or hyphen between the parts. The library says the same of these, in
# fifty microseconds, a tenth of what a request costs.
_USUAL = re.compile(r"(?:\+92|0092|0)[ -]?(3[0-9]{2})[ -]?([0-9]{7})")
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,63}")
# Ways to one and the same number.
BY_PHONE: frozenset[Channel] = frozenset({"sms", "whatsapp", "call"})
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Window:
    """A window that comes back each week in local wall time: ISO day 1-7, minutes after midnight."""

    day: int
    start: int
    end: int


class Written(Protocol):
    """In which words somebody is written to."""

    @property
    def language(self) -> MessageLanguage: ...

    @property
    def script(self) -> Script: ...


@dataclass(frozen=True, slots=True)
class WrittenTo:
    """How somebody is written to whose address is sealed already."""

    channel: Channel
    language: MessageLanguage
    script: Script


@dataclass(frozen=True, slots=True)
class Contact:
    """One contact point; the address is clear here and sealed before it is saved. `then` are the other ways that are
    allowed, in order, for when the first one fails."""

    channel: Channel
    address: str | None
    language: MessageLanguage
    script: Script
    safe_windows: tuple[Window, ...]
    owner: Owner
    then: tuple[Channel, ...] = ()

    @property
    def channels(self) -> tuple[Channel, ...]:
        """All that are allowed, in order."""
        return (self.channel, *self.then)

    @property
    def reachable(self) -> bool:
        """Whether somebody else can begin the conversation."""
        return self.channel != "inbox"

    @property
    def heard_only(self) -> bool:
        """Whether nothing can be sent to them that they alone would read."""
        return self.reachable and set(self.channels) <= {"call", "inbox"}


# Who names no windows is written to between nine and nine.
USUAL_WINDOWS = tuple(Window(day, 9 * 60, 21 * 60) for day in range(1, 8))


def read_address(channel: Channel, address: str | None, at: str = "/contact") -> str | Refusal | None:
    """The address in the one form it is kept in: E.164 or a mailbox with a lower-case domain. `at` points to the
    contact."""
    pointer = f"{at}/address"
    if channel == "inbox":
        return None if address is None else Refusal(pointer, "not_allowed", "channel inbox has no address")
    if address is None or not address.strip():
        return Refusal(pointer, "missing", f"channel {channel} needs an address")
    if _CONTROL.search(address):
        return Refusal(pointer, "control_character", "the address holds a control character")
    return _phone(address, pointer) if channel in BY_PHONE else _email(address, pointer)


def read_contact(typed: Contact) -> Contact | list[Refusal]:
    """The contact with its address in the one form it is kept in, or all that is wrong with it."""
    address = read_address(typed.channel, typed.address)
    refusals = [
        *([address] if isinstance(address, Refusal) else []),
        *without_contradiction(typed, "/contact"),
    ]
    if refusals or isinstance(address, Refusal):
        return refusals
    return replace(typed, address=address)


def without_contradiction(contact: Contact, at: str) -> list[Refusal]:
    """What cannot be meant in a contact; `at` points to it."""
    unwritten = Refusal(f"{at}/script", "not_offered", "no messages are written in this language and script")
    return [
        *backwards(f"{at}/safe_windows", contact.safe_windows),
        *_other_ways(contact, f"{at}/then"),
        *([] if contact.script == "Latn" or contact.language == "ur" else [unwritten]),
    ]


def _other_ways(contact: Contact, pointer: str) -> list[Refusal]:
    """A way is named once, and leads to the address that was given or to the person's own page."""
    refusals = []
    for place, channel in enumerate(contact.then):
        if channel in contact.channels[: place + 1]:
            refusals.append(Refusal(f"{pointer}/{place}", "repeated", "this channel is named already"))
        elif contact.channel == "inbox" or (
            channel != "inbox" and not {channel, contact.channel} <= BY_PHONE
        ):
            detail = "only ways to the same address can follow, or inbox"
            refusals.append(Refusal(f"{pointer}/{place}", "other_address", detail))
    return refusals


def backwards(pointer: str, windows: Sequence[Window]) -> list[Refusal]:
    """A refusal for every window that does not end after it starts."""
    detail = "a window must end after it starts, on the same day"
    return [
        Refusal(f"{pointer}/{place}/end", "ends_before_start", detail)
        for place, window in enumerate(windows)
        if window.end <= window.start
    ]


def _phone(text: str, pointer: str) -> str | Refusal:
    if usual := _USUAL.fullmatch(text):
        return f"+{PAKISTAN}{usual[1]}{usual[2]}"
    refusal = Refusal(pointer, "not_a_mobile_number", "a Pakistani mobile number is needed")
    if any(sign.isalpha() for sign in text):  # the library would dial letters as their keys
        return refusal
    # Invisible marks come with numbers that were copied out of right-to-left text, also between the digits.
    visible = "".join(sign for sign in text if unicodedata.category(sign) != "Cf")
    try:
        number = phonenumbers.parse(visible, "PK")
    except phonenumbers.NumberParseException:
        return refusal
    if (
        number.country_code != PAKISTAN
        or number.extension
        or not _MOBILE.fullmatch(str(number.national_number))
    ):
        return refusal
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _email(text: str, pointer: str) -> str | Refusal:
    text = text.strip()
    if len(text) > 254 or _EMAIL.fullmatch(text) is None:
        return Refusal(pointer, "not_an_email_address", "an e-mail address is needed")
    local, _, domain = text.rpartition("@")
    return f"{local}@{domain.lower()}"
