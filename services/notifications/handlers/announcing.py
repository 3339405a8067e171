"""What each fate of a message is called on the wire; never its text, never its address."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.notifications.domain.outcomes import Settled
from services.notifications.domain.sending import Channel
from services.notifications.repository.messages import Message
from shared.contracts.base import Event
from shared.contracts.notifications import (
    MessageDelivered,
    MessageFailed,
    MessageSent,
    MessageSkipped,
)
from shared.messaging import Transaction


@dataclass(frozen=True, slots=True)
class Wording:
    """In which words a message left, without the words."""

    language: str
    template: str
    template_version: str
    parts: int


def announce(tx: Transaction, events: Iterable[tuple[Message, Event]]) -> None:
    """Says what became of messages, each in the trace of the request it follows from."""
    said = list(events)
    for message, _ in said:
        tx.trace(str(message.id), message.traceparent)
    tx.emit((event for _, event in said), causes=[str(message.id) for message, _ in said])


def skipped(message: Message, reason: str, at: datetime) -> MessageSkipped:
    """It will not be sent, and why."""
    return MessageSkipped(**_about(message, at), reason=reason)


def failed(message: Message, channel: Channel, settled: Settled, at: datetime) -> MessageFailed:
    """Nobody could take it, or nobody can tell; `last_chance` asks for a human."""
    return MessageFailed(
        **_about(message, at),
        channel=channel,
        reason=settled.reason or "unknown",
        last_chance=settled.last_chance,
    )


def sent(message: Message, channel: Channel, wording: Wording, at: datetime) -> MessageSent:
    """A gateway accepted it."""
    return MessageSent(
        **_about(message, at),
        channel=channel,
        language=wording.language,
        template=wording.template,
        template_version=wording.template_version,
        parts=wording.parts,
    )


def delivered(message: Message, channel: Channel, at: datetime) -> MessageDelivered:
    """It reached the person: the inbox is their own page. Of SMS and mail only a receipt could say that."""
    return MessageDelivered(**_about(message, at), channel=channel)


def _about(message: Message, at: datetime) -> dict[str, Any]:
    return {
        "case_id": message.case_id,
        "message_id": message.id,
        "appointment_id": message.appointment_id,
        "appointment_version": message.version if message.appointment_id else None,
        "person_id": message.person_id,
        "purpose": message.purpose,
        "at": at,
    }
