"""From facts to planned messages, on real Postgres: nothing twice, nothing untrue, whatever comes first."""

import asyncio
import itertools
from datetime import timedelta
from uuid import uuid4

import pytest

from services.notifications.handlers.sending import claim_due, mark_tried
from shared.contracts.base import Event
from shared.contracts.intake import ConsentChanged, ContactStopped
from tests.notifications.facts import (
    NOW,
    TRACE,
    Desk,
    a_booking,
    a_contact,
    a_site,
    cancelled,
    moved,
    waitlisted,
)

LEASE = timedelta(seconds=12)


async def test_a_booking_is_planned_now_and_a_day_ahead_in_the_trace_of_its_request(desk: Desk) -> None:
    person = uuid4()
    booking = a_booking(person)
    await desk.tell(a_contact(person), booking)
    assert await desk.messages("purpose", "due_at", "state", "traceparent") == [
        ("booked", NOW, "planned", TRACE),
        ("reminder", booking.start - timedelta(hours=24), "planned", TRACE),
    ]
    assert await desk.said() == []  # until something has become of them


async def test_the_same_event_again_plans_nothing_again(desk: Desk) -> None:
    person = uuid4()
    booking = a_booking(person)
    await desk.tell(a_contact(person), booking, booking, booking)
    assert len(await desk.messages("id")) == 2


async def test_an_appointment_of_somebody_not_yet_known_waits_for_the_contact(desk: Desk) -> None:
    person, other = uuid4(), uuid4()
    await desk.tell(a_contact(other))
    both = a_booking(person).model_copy(
        update={"attendees": (*a_booking(person).attendees, *a_booking(other).attendees)}
    )
    await desk.tell(both)
    assert await desk.messages("person_id") == [(other,), (other,)]
    await desk.tell(a_contact(person))
    assert sorted(await desk.messages("person_id")) == sorted([(other,)] * 2 + [(person,)] * 2)
    assert await desk.pool.fetchval("SELECT count(*) FROM waiting") == 0


async def test_a_contact_that_comes_at_the_same_moment_is_never_missed(desk: Desk) -> None:
    """Two workers at once, one with the booking and one with the contact: one of them must see the other."""
    people = [uuid4() for _ in range(40)]
    for person in people:
        await asyncio.gather(desk.tell(a_booking(person)), desk.tell(a_contact(person)))
    assert await desk.pool.fetchval("SELECT count(*) FROM waiting") == 0
    assert len(await desk.messages("id")) == 2 * len(people)


async def test_an_appointment_in_person_waits_for_its_place(desk: Desk) -> None:
    person, site = uuid4(), uuid4()
    await desk.tell(
        a_contact(person), a_booking(person, modality="in_person", lane="in_person", site_id=site)
    )
    assert await desk.messages("id") == []
    await desk.tell(a_site(site))
    assert len(await desk.messages("id")) == 2


async def test_a_reminder_is_not_sent_after_the_cancellation(desk: Desk) -> None:
    person = uuid4()
    booking = a_booking(person)
    await desk.tell(a_contact(person), booking)
    desk.now = booking.start - timedelta(hours=24)
    await desk.tell(cancelled(booking))
    async with desk.database.transaction() as tx:
        batch = await claim_due(tx, 500, LEASE, ["sms", "email"])
    assert [one.message.purpose for one in batch.claimed] == ["cancelled"]
    assert await desk.messages("purpose", "state", "reason") == [
        ("booked", "skipped", "cancelled"),
        ("reminder", "skipped", "cancelled"),
        ("cancelled", "sending", None),
    ]


async def test_a_reminder_is_not_sent_even_if_its_row_was_missed_by_the_cancellation(desk: Desk) -> None:
    """The send-time check stands on its own: it looks at the appointment, not at the row's history."""
    person = uuid4()
    booking = a_booking(person)
    await desk.tell(a_contact(person), booking, cancelled(booking))
    await desk.pool.execute("UPDATE messages SET state = 'planned', next_at = $1, settled_at = NULL", NOW)
    async with desk.database.transaction() as tx:
        batch = await claim_due(tx, 500, LEASE, ["sms", "email"])
    assert [one.message.purpose for one in batch.claimed] == ["cancelled"]


async def test_a_mail_that_waited_its_turn_is_looked_at_once_more(desk: Desk) -> None:
    moving, stopping, staying = uuid4(), uuid4(), uuid4()
    bookings = {person: a_booking(person) for person in (moving, stopping, staying)}
    for person, booking in bookings.items():
        await desk.tell(a_contact(person, channels=("email",)), booking)
    async with desk.database.transaction() as tx:
        batch = await claim_due(tx, 500, LEASE, ["sms", "email"])
    assert len(batch.ways["email"]) == 3
    await desk.tell(
        cancelled(bookings[moving]), ContactStopped(person_id=stopping, case_ids=(), stopped_at=NOW)
    )
    async with desk.database.transaction() as tx:
        ours = await mark_tried(tx, batch.claim, batch.ways["email"], "email", LEASE)
    assert [one.message.person_id for one in ours] == [staying]


async def test_a_change_is_told_and_only_the_new_time_is_reminded_of(desk: Desk) -> None:
    person = uuid4()
    booking = a_booking(person)
    change = moved(booking, timedelta(days=1))
    await desk.tell(a_contact(person), booking, change)
    assert await desk.messages("purpose", "version", "state", "due_at") == [
        ("booked", 1, "skipped", NOW),
        ("changed", 2, "planned", NOW),
        ("reminder", 1, "skipped", booking.start - timedelta(hours=24)),
        ("reminder", 2, "planned", change.start - timedelta(hours=24)),
    ]
    skipped = [event for kind, event in await desk.said() if kind == "message_skipped"]
    assert [(event["purpose"], event["reason"]) for event in skipped] == [
        ("booked", "superseded"),
        ("reminder", "superseded"),
    ]


async def test_a_stop_takes_everything_back_at_once_and_for_later(desk: Desk) -> None:
    person, other = uuid4(), uuid4()
    booking = a_booking(person)
    await desk.tell(a_contact(person), a_contact(other), booking, a_booking(other))
    await desk.tell(ContactStopped(person_id=person, case_ids=(booking.case_id,), stopped_at=NOW))
    await desk.tell(moved(booking, timedelta(days=1)))
    async with desk.database.transaction() as tx:
        batch = await claim_due(tx, 500, LEASE, ["sms", "email"])
    assert [one.message.person_id for one in batch.claimed] == [other]
    stopped = await desk.pool.fetch(
        "SELECT state, reason FROM messages WHERE person_id = $1 AND due_at <= $2", person, NOW
    )
    assert [tuple(row) for row in stopped] == [("skipped", "stopped")] * 2


async def test_consent_to_contact_taken_back_stops_and_given_again_lifts(desk: Desk) -> None:
    person = uuid4()
    said = {"person_id": person, "case_ids": (), "text_version": "2026-01"}
    await desk.tell(a_contact(person), a_booking(person))
    await desk.tell(ConsentChanged(purpose="contact", state="withdrawn", changed_at=NOW, **said))
    assert {state for (state,) in await desk.messages("state")} == {"skipped"}
    later = NOW + timedelta(minutes=1)
    await desk.tell(
        ConsentChanged(purpose="care", state="withdrawn", changed_at=later, **said),
        ConsentChanged(purpose="contact", state="given", changed_at=later, **said),
        ConsentChanged(purpose="contact", state="withdrawn", changed_at=NOW, **said),
        a_booking(person),
    )
    async with desk.database.transaction() as tx:
        assert len((await claim_due(tx, 500, LEASE, ["sms", "email"])).claimed) == 1


async def test_a_booking_takes_the_waiting_lists_message_back(desk: Desk) -> None:
    person = uuid4()
    waiting = waitlisted(person)
    await desk.tell(a_contact(person), waiting, a_booking(person, case_id=waiting.case_id, attempt=2))
    assert ("waitlisted", "skipped", "superseded") in await desk.messages("purpose", "state", "reason")


async def test_news_of_the_waiting_list_that_comes_after_the_booking_is_not_told(desk: Desk) -> None:
    person = uuid4()
    waiting = waitlisted(person)
    await desk.tell(a_contact(person), a_booking(person, case_id=waiting.case_id, attempt=2), waiting)
    async with desk.database.transaction() as tx:
        batch = await claim_due(tx, 500, LEASE, ["sms", "email"])
    assert [one.message.purpose for one in batch.claimed] == ["booked"]


def _orders() -> list[tuple[int, ...]]:
    """Every order in which four topics can come, each in its own order: 0 contact, 1-3 appointment, 4 site, 5 stop."""
    return [
        order
        for order in itertools.permutations(range(6))
        if order.index(1) < order.index(2) < order.index(3)
    ]


@pytest.mark.parametrize("stopping", [False, True])
async def test_in_whatever_order_topics_come_the_same_is_told(desk: Desk, stopping: bool) -> None:
    fates = set()
    for order in _orders()[1 if stopping else 0 :: 3]:
        person, site = uuid4(), uuid4()
        booking = a_booking(person, modality="in_person", lane="in_person", site_id=site)
        change = moved(booking, timedelta(days=1))
        stop: Event = ContactStopped(person_id=person, case_ids=(), stopped_at=NOW)
        events = [
            a_contact(person),
            booking,
            change,
            cancelled(change, 3),
            a_site(site),
            stop if stopping else waitlisted(person),
        ]
        await desk.tell(*(events[place] for place in order))
        async with desk.database.transaction() as tx:
            batch = await claim_due(tx, 500, LEASE, ["sms", "email"])
        told = sorted(one.message.purpose for one in batch.claimed)
        open_rows = await desk.pool.fetchval(
            "SELECT count(*) FROM messages WHERE person_id = $1 AND state = 'planned'", person
        )
        fates.add((tuple(told), open_rows))
    assert fates == ({((), 0)} if stopping else {(("cancelled", "waitlisted"), 0)})


async def test_a_key_that_is_parked_sends_no_message(desk: Desk) -> None:
    person = uuid4()
    booking = a_booking(person)
    await desk.tell(a_contact(person), booking)
    await desk.pool.execute(
        "INSERT INTO blocks (grp, topic, key, kind) VALUES ('notifications', 'scheduling.appointments', $1, 'dead')",
        str(booking.case_id),
    )
    async with desk.database.transaction() as tx:
        assert (await claim_due(tx, 500, LEASE, ["sms", "email"])).claimed == []
    assert ("booked", "planned", "held") in await desk.messages("purpose", "state", "reason")


async def test_the_journey_tells_what_a_case_waits_for_and_no_person(desk: Desk) -> None:
    person = uuid4()
    booking = a_booking(person)
    await desk.tell(a_contact(person), booking)
    rows = await desk.pool.fetch(
        "SELECT * FROM journey WHERE case_id = $1 ORDER BY at, detail", booking.case_id
    )
    assert [(row["step"], row["detail"]) for row in rows] == [
        ("message_planned", "booked"),
        ("message_planned", "reminder"),
    ]
    assert rows[1]["waits_for"] == "next at 2027-01-07T08:00:00Z"
    assert "person_id" not in rows[0]


async def test_the_journey_says_in_words_why_a_message_was_not_sent(desk: Desk) -> None:
    person = uuid4()
    booking = a_booking(person)
    await desk.tell(a_contact(person), booking, cancelled(booking))
    rows = await desk.pool.fetch("SELECT detail FROM journey WHERE step = 'message_skipped' ORDER BY detail")
    assert [row["detail"] for row in rows] == [
        "booked: not sent, the hour was cancelled",
        "reminder: not sent, the hour was cancelled",
    ]
