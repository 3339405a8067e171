"""What notifications says in the story: each fate of one message."""

from typing import Any

from shared.contracts.base import Event
from shared.contracts.examples import story
from shared.contracts.notifications import (
    ContactReconfirmed,
    MessageDelivered,
    MessageFailed,
    MessageSent,
    MessageSkipped,
    StopAsked,
    TaskClosed,
    TaskOpened,
)

MESSAGE: dict[str, Any] = {
    "case_id": story.CASE,
    "message_id": story.MESSAGE,
    "appointment_id": story.APPOINTMENT,
    "appointment_version": 1,
    "person_id": story.PERSON,
    "purpose": "booked",
    "at": story.SOON,
}

EXAMPLES: tuple[Event, ...] = (
    MessageSent(**MESSAGE, channel="sms", language="ur", template="booked", template_version="1", parts=2),
    MessageDelivered(**MESSAGE, channel="sms"),
    MessageFailed(**MESSAGE, channel="sms", reason="unknown", last_chance=True),
    MessageSkipped(**MESSAGE, reason="superseded"),
    StopAsked(case_id=story.CASE, person_id=story.PERSON, channel="whatsapp", asked_at=story.LATER),
    ContactReconfirmed(case_id=story.CASE, person_id=story.PERSON, reconfirmed_at=story.LATER),
    TaskOpened(
        task_id=story.CALL,
        kind="tell_by_hand",
        queue="coordinator",
        outcomes=("told", "not_reached"),
        due_by=story.BEGINS,
        priority=1,
        case_id=story.CASE,
        opened_at=story.SOON,
    ),
    TaskClosed(task_id=story.CALL, outcome="told", closed_by=story.COORDINATOR, closed_at=story.LATER),
)
