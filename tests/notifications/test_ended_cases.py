"""Cases that have ended: nothing about them is sent any more but that an hour is given back, whatever is heard first."""

from datetime import timedelta
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.notifications.domain.planning import CHECKIN_AFTER
from services.notifications.domain.sending import Contact, Due, Send, Skip, Subject, decide
from services.notifications.domain.windows import Window
from shared.contracts.base import Event
from shared.contracts.intake import CaseEnded
from shared.contracts.scheduling import AppointmentNoShow
from tests.notifications.facts import NOW, Desk, a_booking, cancelled, waitlisted
from tests.notifications.outside import OutsideWorld
from tests.notifications.senders import sending, settled
from tests.notifications.test_after_the_hour import STARTED, then
from tests.notifications.test_offers import offered

WORDS = "is cancelled. You can ask again at any time."


def end(person: UUID, *cases: UUID) -> CaseEnded:
    return CaseEnded(person_id=person, case_ids=cases, ended_at=NOW)


def due(purpose: str, state: Any, *, ended: bool) -> Due:
    contact = Contact(
        ("sms",), [Window(day, 0, 1440) for day in range(1, 8)], "UTC", NOW + timedelta(days=9), True
    )
    return Due(purpose, 1, None, False, False, Subject(1, state, NOW + timedelta(days=2)), contact, (), ended)


@pytest.mark.parametrize(
    "purpose", ["booked", "changed", "displaced", "reminder", "waitlisted", "alternative", "invitation"]
)
def test_nothing_is_sent_about_a_case_that_has_ended(purpose: str) -> None:
    state = {"waitlisted": "waitlisted", "alternative": "waitlisted", "invitation": "invited"}.get(
        purpose, "booked"
    )
    assert decide(due(purpose, state, ended=True), NOW) == Skip("case_ended")
    assert decide(due(purpose, state, ended=False), NOW) == Send("sms")


def test_that_an_hour_is_given_back_is_told_after_the_end_too() -> None:
    assert decide(due("cancelled", "cancelled", ended=True), NOW) == Send("sms")


async def test_what_is_planned_is_taken_back_at_once_and_nobody_elses(
    desk: Desk, outside: OutsideWorld
) -> None:
    gone, stays = uuid4(), uuid4()
    ours, theirs = a_booking(gone), a_booking(stays)
    await desk.tell(outside.a_contact(gone), outside.a_contact(stays), ours, theirs)
    await desk.tell(end(gone, ours.case_id))
    kept = await desk.messages("person_id", "state", "reason")
    assert {row[1:] for row in kept if row[0] == gone} == {("skipped", "case_ended")}
    assert {row[1:] for row in kept if row[0] == stays} == {("planned", None)}
    said = [event for kind, event in await desk.said() if kind == "message_skipped"]
    assert {event["reason"] for event in said} == {"case_ended"}
    before = await desk.said()
    await desk.tell(end(gone, ours.case_id))
    assert await desk.said() == before


@pytest.mark.parametrize("later", ["offer", "checkin", "reminder"])
async def test_nothing_is_planned_for_later_of_a_case_whose_end_was_heard_first(
    desk: Desk, outside: OutsideWorld, later: str
) -> None:
    """It would not be sent; but until it is due nobody could say that it will not be."""
    person = uuid4()
    booking = a_booking(person, start=STARTED if later == "checkin" else NOW + timedelta(days=3))
    news = {
        "offer": offered(person, booking.case_id),
        "checkin": then(AppointmentNoShow, booking),
        "reminder": booking,
    }
    await desk.tell(outside.a_contact(person), end(person, booking.case_id), news[later])
    rows = await desk.messages("purpose", "state", "reason")
    assert (later, "skipped", "case_ended") in rows
    assert {row[1:] for row in rows} == {("skipped", "case_ended")}
    told = [event["purpose"] for kind, event in await desk.said() if kind == "message_skipped"]
    assert sorted(told) == sorted(row[0] for row in rows)


async def test_nobody_is_asked_after_an_hour_that_they_missed_once_their_case_has_ended(
    desk: Desk, outside: OutsideWorld
) -> None:
    before, afterwards = uuid4(), uuid4()
    first, last = a_booking(before, start=STARTED), a_booking(afterwards, start=STARTED)
    await desk.tell(outside.a_contact(before), outside.a_contact(afterwards))
    await desk.tell(then(AppointmentNoShow, first), end(before, first.case_id))
    await desk.tell(end(afterwards, last.case_id), then(AppointmentNoShow, last))
    desk.now += CHECKIN_AFTER
    async with sending(desk, outside):
        rows = await settled(desk, "skipped")
    assert rows == [("checkin", "skipped", "case_ended")] * 2
    assert outside.received("sms") == []


async def test_an_hour_ahead_that_is_given_back_with_its_case_is_told_in_any_order(
    desk: Desk, outside: OutsideWorld
) -> None:
    """And nobody is promised to hear from us."""
    people = []
    for order in permutations(range(3)):
        person = uuid4()
        people.append(person)
        booking = a_booking(person)
        story: list[Event] = [
            booking, cancelled(booking).model_copy(update={"by": "therapist"}), end(person, booking.case_id),
        ]  # fmt: skip
        await desk.tell(outside.a_contact(person))
        for place in order:
            await desk.tell(story[place])
    async with sending(desk, outside):
        await settled(desk, "sent", "skipped")
    texts = [one["text"] for one in outside.received("sms")]
    assert len(texts) == len(people)
    assert all(text.endswith(WORDS) for text in texts), texts
    sent = await desk.messages("person_id", "purpose", "state")
    assert {row[1] for row in sent if row[2] == "sent"} == {"cancelled"}


async def test_whoever_waited_and_whose_case_has_ended_is_told_of_no_list(
    desk: Desk, outside: OutsideWorld
) -> None:
    person, case_id = uuid4(), uuid4()
    await desk.tell(outside.a_contact(person), end(person, case_id), waitlisted(person, case_id))
    async with sending(desk, outside):
        assert await settled(desk, "skipped") == [("waitlisted", "skipped", "case_ended")]
