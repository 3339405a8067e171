"""Which addresses nobody real can own: outside production a message goes to these and to no other."""

from dataclasses import dataclass

from services.notifications.domain.sending import Channel

# Ways to one and the same number.
BY_PHONE: frozenset[Channel] = frozenset({"sms", "whatsapp", "call"})


@dataclass(frozen=True, slots=True)
class Reserved:
    """The synthetic list: phone numbers by prefix, mail by domain or by ending of the domain."""

    phone_prefixes: tuple[str, ...]
    mail_domains: frozenset[str]
    mail_endings: tuple[str, ...]


def refusal(channel: Channel, address: str, reserved: Reserved | None) -> str | None:
    """Why this address may not be written to, or None. `reserved` is None in production only."""
    if channel in BY_PHONE and not _is_phone(address):
        return "address_unusable"
    if channel == "email" and not _is_mail(address):
        return "address_unusable"
    if reserved is None or channel == "inbox":
        return None
    return None if _is_reserved(channel, address, reserved) else "address_not_reserved"


def _is_reserved(channel: Channel, address: str, reserved: Reserved) -> bool:
    if channel in BY_PHONE:
        return address.startswith(reserved.phone_prefixes)
    domain = address.rpartition("@")[2].lower()
    return domain in reserved.mail_domains or domain.endswith(reserved.mail_endings)


def _is_phone(address: str) -> bool:
    """E.164: a plus and 8 to 15 digits."""
    return (
        address.startswith("+")
        and address[1:].isascii()
        and address[1:].isdigit()
        and 9 <= len(address) <= 16
    )


def _is_mail(address: str) -> bool:
    """Enough to keep header injection and several recipients out; the mail server knows the rest."""
    local, at, domain = address.rpartition("@")
    return bool(at and local and domain) and not any(sign in " ,;<>\r\n\t\0" for sign in address)
