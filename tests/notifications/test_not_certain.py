"""An hour that may still change is told as such; one that lost its day is told at once, and nobody is reminded of it."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from shared.contracts.scheduling import AppointmentBooked, AppointmentCertaintyChanged, AppointmentDisplaced
from tests.notifications.facts import NOW, Desk, a_booking, a_contact, moved
from tests.notifications.outside import OutsideWorld
from tests.notifications.senders import sending, settled

MAY_CHANGE = "It may still change."
PROVISIONAL = {"certainty": "provisional", "certainty_reason": "may_be_holiday"}


def then(kind: type[Any], booking: AppointmentBooked, version: int = 2, **changes: Any) -> Any:
    return kind(**booking.model_dump() | {"version": version, "by": "system"} | changes)


async def send_all(desk: Desk, outside: OutsideWorld) -> list[str]:
    async with sending(desk, outside):
        await settled(desk, "sent", "skipped")
    return [sms["text"] for sms in outside.received("sms")]


@pytest.mark.parametrize("uncertain", [False, True])
async def test_the_confirmation_says_whether_the_hour_may_still_change(
    desk: Desk, outside: OutsideWorld, uncertain: bool
) -> None:
    person = uuid4()
    booking = a_booking(person, start=NOW + timedelta(hours=20))
    await desk.tell(outside.a_contact(person), booking.model_copy(update=PROVISIONAL if uncertain else {}))
    (text,) = await send_all(desk, outside)
    assert text.startswith("Your appointment is on")
    assert (MAY_CHANGE in text) is uncertain
    [(_, told)] = await desk.said()
    assert told["template"] == ("booked_provisional" if uncertain else "booked")


async def test_what_was_planned_is_told_once_in_the_words_that_are_true_by_then(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = uuid4()
    booking = a_booking(person, start=NOW + timedelta(days=3))
    await desk.tell(
        outside.a_contact(person), booking, then(AppointmentCertaintyChanged, booking, **PROVISIONAL)
    )
    assert sorted(await desk.messages("purpose", "version", "state")) == [
        ("booked", 2, "planned"),
        ("reminder", 2, "planned"),
    ]
    await desk.tell(then(AppointmentCertaintyChanged, booking, **PROVISIONAL))  # the same once more
    desk.now += timedelta(days=2)
    texts = await send_all(desk, outside)
    assert len(texts) == 2
    assert all(text.endswith(MAY_CHANGE) for text in texts)


async def test_dropped_the_holiday_leaves_a_plain_reminder(desk: Desk, outside: OutsideWorld) -> None:
    person = uuid4()
    booking = a_booking(person, start=NOW + timedelta(days=3)).model_copy(update=PROVISIONAL)
    firm = {"certainty": "firm", "certainty_reason": None}
    await desk.tell(outside.a_contact(person), booking, then(AppointmentCertaintyChanged, booking, **firm))
    desk.now += timedelta(days=2)
    assert not any(MAY_CHANGE in text for text in await send_all(desk, outside))


async def test_a_lost_day_is_told_and_nobody_is_reminded_of_it(desk: Desk, outside: OutsideWorld) -> None:
    person = uuid4()
    booking = a_booking(person, start=NOW + timedelta(days=3))
    lost = {"certainty": "provisional", "certainty_reason": "holiday", "reason": "holiday"}
    await desk.tell(outside.a_contact(person), booking, then(AppointmentDisplaced, booking, **lost))
    planned = [row[0] for row in await desk.messages("purpose", "state") if row[1] == "planned"]
    assert planned == ["displaced"]
    (text,) = await send_all(desk, outside)
    assert "falls on a holiday. We will tell you when it takes place." in text


async def test_of_a_lost_day_that_is_far_off_a_human_tells_whom_no_message_reaches(
    desk: Desk, outside: OutsideWorld
) -> None:
    """Its reminder was taken back, so that nothing else would."""
    person = uuid4()
    booking = a_booking(person, start=NOW + timedelta(days=5))
    lost = {"certainty": "provisional", "certainty_reason": "holiday", "reason": "holiday"}
    nobodys = outside.a_contact(person, "+923001234567")
    await desk.tell(nobodys, booking, then(AppointmentDisplaced, booking, **lost))
    async with sending(desk, outside):
        await settled(desk, "failed", "skipped")
    [task] = [event for kind, event in await desk.said() if kind == "task_opened"]
    assert (task["kind"], task["appointment_id"]) == ("tell_by_hand", str(booking.appointment_id))


async def test_moved_away_from_the_lost_day_the_new_time_is_told(desk: Desk, outside: OutsideWorld) -> None:
    person = uuid4()
    booking = a_booking(person, start=NOW + timedelta(days=3))
    lost = {"certainty": "provisional", "certainty_reason": "holiday", "reason": "holiday"}
    displaced = then(AppointmentDisplaced, booking, **lost)
    await desk.tell(
        a_contact(person),
        booking,
        displaced,
        moved(displaced, timedelta(days=1)).model_copy(update={"version": 3}),
    )
    planned = {row[0] for row in await desk.messages("purpose", "state") if row[1] == "planned"}
    assert planned == {"changed", "reminder"}
