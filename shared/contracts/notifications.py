"""What notifications says: the fate of every message, never its text or its address."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime

from shared.contracts import tasks
from shared.contracts.base import Event
from shared.contracts.intake import Channel

# What is for staff (`page`, `new_booking`, `changed_booking`) is about nobody's own message and is told on no topic so far.
Purpose = Literal[
    "booked",
    "changed",
    "displaced",
    "cancelled",
    "reminder",
    "checkin",
    "waitlisted",
    "alternative",
    "offer",
    "consent_request",
    "invitation",
    "page",
    "new_booking",
    "changed_booking",
]


class Message(Event):
    """What every delivery event carries."""

    topic: ClassVar[str] = "notifications.deliveries"
    key_field: ClassVar[str] = "case_id"

    case_id: UUID
    message_id: UUID
    appointment_id: UUID | None
    appointment_version: int | None
    person_id: UUID
    purpose: Purpose
    at: AwareDatetime


class MessageSent(Message):
    """A gateway accepted the message; a receipt, where there are any, says later whether the handset got it."""

    type_name: ClassVar[str] = "notifications.message_sent.v1"

    channel: Channel
    language: str
    template: str
    template_version: str
    parts: int


class MessageDelivered(Message):
    """The message reached the handset, mailbox or the person's own inbox page."""

    type_name: ClassVar[str] = "notifications.message_delivered.v1"

    channel: Channel


class MessageFailed(Message):
    """This channel would not take it, or its outcome is unknown. `last_chance`: there is no other channel that the person
    allowed, so a human is asked; otherwise the next one is tried."""

    type_name: ClassVar[str] = "notifications.message_failed.v1"

    channel: Channel
    reason: str
    last_chance: bool


class MessageSkipped(Message):
    """It was not sent, for a reason: stopped, cancelled, superseded, no safe window, no channel."""

    type_name: ClassVar[str] = "notifications.message_skipped.v1"

    reason: str


class StopAsked(Event):
    """Somebody answered a message: they want none any more. Nothing is sent to them from that moment on."""

    type_name: ClassVar[str] = "notifications.stop_asked.v1"
    topic: ClassVar[str] = "notifications.deliveries"
    key_field: ClassVar[str] = "case_id"

    case_id: UUID
    person_id: UUID
    channel: Channel
    asked_at: AwareDatetime


class ContactReconfirmed(Event):
    """A human has found that the contact on record still reaches somebody, of whom nobody had confirmed it for too long."""

    type_name: ClassVar[str] = "notifications.contact_reconfirmed.v1"
    topic: ClassVar[str] = "notifications.deliveries"
    key_field: ClassVar[str] = "case_id"

    case_id: UUID
    person_id: UUID
    reconfirmed_at: AwareDatetime


class TaskOpened(tasks.Opened):
    """Somebody could not be reached by any message and has to be told by a human before it is too late."""

    type_name: ClassVar[str] = "notifications.task_opened.v1"
    topic: ClassVar[str] = "notifications.tasks"


class TaskClosed(tasks.Closed):
    """Somebody has told them, or there is nothing to tell any more."""

    type_name: ClassVar[str] = "notifications.task_closed.v1"
    topic: ClassVar[str] = "notifications.tasks"


EVENTS: tuple[type[Event], ...] = (
    MessageSent,
    MessageDelivered,
    MessageFailed,
    MessageSkipped,
    StopAsked,
    ContactReconfirmed,
    TaskOpened,
    TaskClosed,
)
