"""An hour that may still change is told as such; one that lost its day is told at once, and nobody is reminded of it."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.notifications.domain.outcomes import Rejected
from services.notifications.domain.receipts import Receipt
from services.notifications.handlers.announcing import Wording
from services.notifications.handlers.receiving import take_receipts
from services.notifications.handlers.sending import Attempt, claim_due, mark_tried, record_attempts
from shared.contracts.matching import MatchAttendee
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
    assert sorted(await desk.messages("purpose", "state")) == [
        ("booked", "planned"),
        ("reminder", "planned"),
    ]
    await desk.tell(then(AppointmentCertaintyChanged, booking, **PROVISIONAL))  # the same once more
    desk.now += timedelta(days=2)
    texts = await send_all(desk, outside)
    assert len(texts) == 2
    assert all(text.endswith(MAY_CHANGE) for text in texts)


def marked(booking: AppointmentBooked) -> Any:
    return then(AppointmentCertaintyChanged, booking, **PROVISIONAL)


@pytest.mark.parametrize("channels", [("sms", "whatsapp"), ("sms",)])
async def test_whom_the_first_way_did_not_reach_is_told_although_the_hour_became_uncertain_since(
    desk: Desk, outside: OutsideWorld, channels: tuple[str, ...]
) -> None:
    person = uuid4()
    booking = a_booking(person, start=NOW + timedelta(hours=20))
    await desk.tell(outside.a_contact(person, channels=channels), booking)
    async with sending(desk, outside):
        await settled(desk, "sent")
    await desk.tell(marked(booking))
    message = await desk.pool.fetchval("SELECT id FROM messages")
    async with desk.database.transaction() as tx:
        await take_receipts(tx, [Receipt(message, "sms", "failed")], ["sms", "whatsapp"])
    async with sending(desk, outside):
        await settled(desk, "sent", "failed")
    last, news = (await desk.said())[-1]
    if "whatsapp" in channels:
        assert outside.received("whatsapp")[0]["text"].startswith("booked_provisional")
        assert (last, news["appointment_version"]) == ("message_sent", 2)
    else:
        assert (last, news["kind"]) == ("task_opened", "tell_by_hand")


async def test_a_mail_whose_hour_became_uncertain_before_it_left_is_told_in_the_words_that_are_true(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = uuid4()
    booking = a_booking(person, start=NOW + timedelta(hours=20))
    await desk.tell(outside.a_contact(person, "a@example.org", channels=("email",)), booking)
    lease = timedelta(seconds=12)
    async with desk.database.transaction() as tx:
        batch = await claim_due(tx, 10, lease, ["email"])
    await desk.tell(marked(booking))
    async with desk.database.transaction() as tx:
        assert await mark_tried(tx, batch.claim, batch.ways["email"], "email", lease) == []
    desk.now += timedelta(minutes=1)
    async with sending(desk, outside):
        await settled(desk, "sent", "skipped")
    [(_, told)] = await desk.said()
    assert (told["template"], told["appointment_version"]) == ("booked_provisional", 2)


async def test_whoever_was_refused_while_the_hour_became_uncertain_is_told_by_hand(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = uuid4()
    booking = a_booking(person, start=NOW + timedelta(hours=20))
    await desk.tell(outside.a_contact(person), booking)
    async with desk.database.transaction() as tx:
        batch = await claim_due(tx, 10, timedelta(seconds=12), ["sms"])
    await desk.tell(marked(booking))
    wording = Wording("en", "booked", "1", 1)
    refused = [Attempt(one, "sms", wording, Rejected("gateway_rejected")) for one in batch.claimed]
    async with desk.database.transaction() as tx:
        await record_attempts(tx, batch.claim, refused)
    assert (await desk.said_types())[-1] == "task_opened"


async def test_an_hour_that_became_uncertain_before_somebodys_contact_was_known_is_told_to_each_once(
    desk: Desk, outside: OutsideWorld
) -> None:
    people = [uuid4(), uuid4()]
    attendees = [MatchAttendee(attendee_id=uuid4(), person_id=person) for person in people]
    booking = a_booking(people[0], attendees=tuple(attendees), start=NOW + timedelta(days=3))
    await desk.tell(outside.a_contact(people[0]), booking, marked(booking), outside.a_contact(people[1]))
    planned = await desk.messages("purpose", "person_id")
    assert sorted(planned) == sorted((what, one) for what in ("booked", "reminder") for one in people)
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
