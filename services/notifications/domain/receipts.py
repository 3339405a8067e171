"""What a gateway says later about a message it took. A state only ever goes forward, in whatever order receipts come."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from services.notifications.domain.sending import Channel, Contact, next_channel

Fate = Literal["delivered", "failed"]
Verdict = Literal["delivered", "failed", "next_channel", "repeated", "late"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """The handset got the message by this channel, or never will. `gateway_id` is what the gateway calls it, where it says so
    here too."""

    message_id: UUID
    channel: Channel
    fate: Fate
    gateway_id: str | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """A message as it stands when a receipt about it comes; `channel` is the one of its latest try."""

    state: Literal["planned", "sending", "calling", "sent", "delivered", "failed", "skipped"]
    channel: Channel | None
    given_up: Sequence[Channel]
    contact: Contact | None


def weigh(message: Sent, receipt: Receipt) -> Verdict:
    """What follows from a receipt.

    A receipt may be faster than the record that the gateway took the message (`sending`), and one of a channel that was
    given up may come when the next one has not been tried yet: it arrived after all. Whatever is over stays as it is.
    """
    if message.state in ("delivered", "failed", "skipped"):
        return "repeated" if message.state == receipt.fate and message.channel == receipt.channel else "late"
    if message.state in ("planned", "calling"):
        arrived = receipt.fate == "delivered" and receipt.channel in message.given_up
        return "delivered" if arrived else "late"
    if message.channel != receipt.channel:
        return "late"
    if receipt.fate == "delivered":
        return "delivered"
    others = next_channel(message.contact, [*message.given_up, receipt.channel])
    return "next_channel" if others else "failed"


def fold(receipts: Iterable[Receipt]) -> dict[UUID, Receipt]:
    """One receipt per message; where several came together, that it arrived is what counts."""
    folded: dict[UUID, Receipt] = {}
    for receipt in receipts:
        known = folded.get(receipt.message_id)
        if known is None or (receipt.fate == "delivered" and known.fate != "delivered"):
            folded[receipt.message_id] = receipt
    return folded
