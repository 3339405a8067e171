"""An hour to its end: who came needs no reminder, who did not is asked for once, and changes are told as what they are."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.notifications.domain.planning import CHECKIN_AFTER
from services.notifications.domain.sending import CHECKIN_WITHIN
from shared.contracts.intake import ContactStopped, WeeklyWindow
from shared.contracts.scheduling import (
    AppointmentArrived,
    AppointmentBooked,
    AppointmentCorrected,
    AppointmentFulfilled,
    AppointmentNoShow,
)
from tests.notifications.facts import NOW, Desk, a_booking, a_contact, cancelled, moved
from tests.notifications.outside import OutsideWorld
from tests.notifications.senders import sending, settled

STARTED = NOW - timedelta(minutes=20)


def then(kind: type[Any], booking: AppointmentBooked, version: int = 2, by: str = "clinic") -> Any:
    return kind(**booking.model_dump() | {"version": version, "by": by})


@pytest.mark.parametrize("kind", [AppointmentArrived, AppointmentFulfilled, AppointmentNoShow])
async def test_no_reminder_is_left_when_an_hour_is_over(desk: Desk, kind: type[Any]) -> None:
    """Also where somebody came a day early, or the desk is ahead of the clock."""
    person = uuid4()
    booking = a_booking(person)
    await desk.tell(a_contact(person), booking, then(kind, booking))
    reminders = [row for row in await desk.messages("purpose", "state", "reason") if row[0] == "reminder"]
    assert reminders == [("reminder", "skipped", "hour_over")]


async def test_whoever_came_is_told_nothing(desk: Desk) -> None:
    person = uuid4()
    booking = a_booking(person, start=STARTED)
    await desk.tell(
        a_contact(person), then(AppointmentArrived, booking), then(AppointmentFulfilled, booking, 3)
    )
    assert await desk.messages("purpose") == []


async def test_whoever_missed_an_hour_is_asked_for_once_a_while_later(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = uuid4()
    booking = a_booking(person, start=STARTED)
    missed = then(AppointmentNoShow, booking)
    await desk.tell(outside.a_contact(person), missed, missed)
    assert await desk.messages("purpose", "due_at") == [("checkin", NOW + CHECKIN_AFTER)]
    desk.now += CHECKIN_AFTER
    async with sending(desk, outside):
        await settled(desk, "sent")
    [sms] = outside.received("sms")
    assert sms["text"].startswith("We did not see you on Tue 5 Jan at 12:40 pm. That is all right.")
    assert [event["purpose"] for _, event in await desk.said()] == ["checkin"]


async def test_a_slip_that_is_put_right_within_the_hour_asks_nobody(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = uuid4()
    booking = a_booking(person, start=STARTED)
    await desk.tell(
        outside.a_contact(person), then(AppointmentNoShow, booking), then(AppointmentFulfilled, booking, 3)
    )
    desk.now += CHECKIN_AFTER
    async with sending(desk, outside):
        await settled(desk, "skipped")
    assert outside.received("sms") == []


async def test_whoever_was_missed_by_mistake_is_asked_nothing_and_told_nothing(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = uuid4()
    booking = a_booking(person, start=STARTED)
    corrected = AppointmentCorrected(
        **booking.model_dump() | {"version": 3, "by": "clinic", "mistaken": "no_show"}
    )
    await desk.tell(outside.a_contact(person), then(AppointmentNoShow, booking), corrected)
    assert await desk.messages("purpose", "state", "reason") == [("checkin", "skipped", "corrected")]
    desk.now += CHECKIN_AFTER
    await desk.tell(then(AppointmentNoShow, booking, 4))  # and it was true after all
    desk.now += CHECKIN_AFTER
    async with sending(desk, outside):
        await settled(desk, "sent", "skipped")
    assert len(outside.received("sms")) == 1


async def test_nobody_is_asked_after_a_stop_or_days_later(desk: Desk, outside: OutsideWorld) -> None:
    stopped, slow = uuid4(), uuid4()
    never = (WeeklyWindow(day=1, start=600, end=600),)
    await desk.tell(
        outside.a_contact(stopped),
        outside.a_contact(slow, safe_windows=never),
        then(AppointmentNoShow, a_booking(stopped, start=STARTED)),
        then(AppointmentNoShow, a_booking(slow, start=STARTED)),
        ContactStopped(person_id=stopped, case_ids=(), stopped_at=NOW),
    )
    desk.now += CHECKIN_AFTER
    async with sending(desk, outside):
        await settled(desk, "skipped")
    assert outside.received("sms") == []
    assert {row[0] for row in await desk.messages("reason")} == {"stopped", "no_safe_window"}


async def test_a_checkin_that_could_not_go_for_days_is_not_sent_any_more(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = uuid4()
    await desk.tell(outside.a_contact(person), then(AppointmentNoShow, a_booking(person, start=STARTED)))
    desk.now = STARTED + CHECKIN_WITHIN
    async with sending(desk, outside):
        rows = await settled(desk, "skipped")
    assert rows == [("checkin", "skipped", "too_late")]


@pytest.mark.parametrize(
    ("by", "words"),
    [
        ("person", "is cancelled, as asked."),
        ("therapist", "You will hear from us."),
        ("system", "You will hear from us."),
    ],
)
async def test_a_cancellation_is_told_by_who_asked_for_it_and_names_nobody(
    desk: Desk, outside: OutsideWorld, by: str, words: str
) -> None:
    person = uuid4()
    booking = a_booking(person)
    await desk.tell(outside.a_contact(person), cancelled(booking).model_copy(update={"by": by}))
    async with sending(desk, outside):
        await settled(desk, "sent")
    [sms] = outside.received("sms")
    assert sms["text"].endswith(words)
    assert "therapist" not in sms["text"]
    [(_, told)] = await desk.said()
    assert told["template"] == ("cancelled_as_asked" if by == "person" else "cancelled")


async def test_another_way_to_meet_is_told_as_such_and_another_time_as_such(
    desk: Desk, outside: OutsideWorld
) -> None:
    by_phone, later = uuid4(), uuid4()
    one, two = a_booking(by_phone), a_booking(later)
    await desk.tell(
        outside.a_contact(by_phone, "+923990000001"), outside.a_contact(later, "+923990000002"), one, two,
        moved(one, timedelta(0)).model_copy(update={"modality": "phone"}), moved(two, timedelta(hours=1)),
    )  # fmt: skip
    async with sending(desk, outside):
        await settled(desk, "sent", "skipped")
    texts = {sms["to"]: sms["text"] for sms in outside.received("sms")}
    assert texts["+923990000001"] == "Your appointment has changed: Fri 8 Jan at 1:00 pm, now by phone."
    assert texts["+923990000002"].startswith("Your appointment has a new time: Fri 8 Jan at 2:00 pm")


@pytest.mark.parametrize("kind", [AppointmentFulfilled, AppointmentNoShow])
async def test_an_hour_that_is_over_before_its_booking_is_heard_is_not_told_any_more(
    desk: Desk, kind: type[Any]
) -> None:
    person = uuid4()
    booking = a_booking(person)
    await desk.tell(a_contact(person), then(kind, booking), booking)
    assert [row for row in await desk.messages("purpose") if row[0] != "checkin"] == []
