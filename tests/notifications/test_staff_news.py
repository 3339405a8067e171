"""Therapists and desks are told of the hours with them: gathered, once, by SMS, and nobody else hears of it."""

from collections import Counter
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from deploy.local.ports import free_port
from services.notifications.domain.sending import MAX_TRIES
from services.notifications.handlers.telling_staff import claim_staff_messages
from tests.notifications.facts import NOW, Desk, a_booking, a_contact, a_site, cancelled, moved
from tests.notifications.outside import OutsideWorld
from tests.notifications.staff import (
    NUMBERS,
    OTHER,
    QUARTER,
    RULES,
    SITE,
    THERAPIST,
    again,
    bookings,
    give_numbers,
    news,
    telling,
    told,
)


@pytest.fixture(autouse=True)
def staff_have_numbers(desk: Desk) -> None:
    give_numbers(desk)


async def test_a_therapist_is_told_when_and_where_and_nothing_else(desk: Desk, outside: OutsideWorld) -> None:
    [booking] = bookings(1)
    await desk.tell(booking)
    assert await told(desk, outside, timedelta(minutes=14)) == []
    text = "A new appointment: Fri 8 Jan at 1:00 pm, online, by video."
    assert await told(desk, outside, timedelta(minutes=1)) == [(NUMBERS[THERAPIST], text)]
    assert await told(desk, outside, timedelta(days=1)) == []
    assert await news(desk) == [("new_booking", "sent", None)]


async def test_ten_bookings_of_a_quarter_are_one_message_to_each_therapist(
    desk: Desk, outside: OutsideWorld
) -> None:
    await desk.tell(*bookings(10), *bookings(1, OTHER))
    heard = dict(await told(desk, outside))
    assert heard[NUMBERS[THERAPIST]].startswith("10 new appointments, the first on Fri 8 Jan at 1:00 pm")
    assert heard[NUMBERS[OTHER]].startswith("A new appointment")
    assert len(outside.received("sms")) == 2


async def test_what_was_moved_before_it_was_told_is_told_once_as_it_is_now(
    desk: Desk, outside: OutsideWorld
) -> None:
    [booking] = bookings(1)
    await desk.tell(booking, moved(booking, timedelta(hours=2)))
    [(_, text)] = await told(desk, outside)
    assert text == "A new appointment: Fri 8 Jan at 3:00 pm, online, by video."
    assert await told(desk, outside) == []


async def test_what_was_cancelled_before_it_was_told_is_told_to_nobody(
    desk: Desk, outside: OutsideWorld
) -> None:
    [booking] = bookings(1)
    await desk.tell(booking, cancelled(booking))
    assert await told(desk, outside) == []
    assert {(state, reason) for _, state, reason in await news(desk)} == {("skipped", "cancelled")}


async def test_a_move_and_a_cancellation_are_told_after_the_booking_was(
    desk: Desk, outside: OutsideWorld
) -> None:
    [booking] = bookings(1)
    await desk.tell(booking)
    await told(desk, outside)
    change = moved(booking, timedelta(days=1))
    await desk.tell(change)
    [(_, text)] = await told(desk, outside)
    assert text == "An appointment has changed. It is now on Sat 9 Jan at 1:00 pm, online, by video."
    await desk.tell(cancelled(change, 3))
    [(_, text)] = await told(desk, outside)
    assert text == "The appointment on Sat 9 Jan at 1:00 pm, online, by video, is cancelled."


async def test_of_two_changes_in_a_quarter_the_last_is_told(desk: Desk, outside: OutsideWorld) -> None:
    [booking] = bookings(1)
    await desk.tell(booking)
    await told(desk, outside)
    change = moved(booking, timedelta(days=1))
    await desk.tell(change, cancelled(change, 3))
    [(_, text)] = await told(desk, outside)
    assert text.endswith("is cancelled.")


async def test_a_therapist_who_cancelled_is_not_told_of_it(desk: Desk, outside: OutsideWorld) -> None:
    [booking] = bookings(1)
    await desk.tell(booking)
    await told(desk, outside)
    await desk.tell(cancelled(booking).model_copy(update={"by": "therapist"}))
    assert await told(desk, outside) == []
    assert ("changed_booking", "skipped", "own_doing") in await news(desk)


async def test_the_same_events_again_tell_nothing_again(desk: Desk, outside: OutsideWorld) -> None:
    [booking] = bookings(1)
    change = moved(booking, timedelta(hours=2))
    await desk.tell(booking, change, booking, change)
    assert len(await told(desk, outside)) == 1
    await desk.tell(booking, change)
    assert await told(desk, outside) == []


async def test_an_hour_that_is_confirmed_is_not_told_as_new_again(desk: Desk, outside: OutsideWorld) -> None:
    booking, waits = bookings(2)
    await desk.tell(booking)
    await told(desk, outside)
    await desk.tell(again(booking, 2), waits, again(waits, 2))
    [(_, text)] = await told(desk, outside)
    assert text.startswith("A new appointment: ")
    assert await told(desk, outside) == []


async def test_an_hour_that_is_confirmed_after_it_was_moved_is_told_as_moved(
    desk: Desk, outside: OutsideWorld
) -> None:
    [booking] = bookings(1)
    await desk.tell(booking)
    await told(desk, outside)
    change = moved(booking, timedelta(days=1))
    await desk.tell(change, again(change, 3))
    [(_, text)] = await told(desk, outside)
    assert text.startswith("An appointment has changed. It is now on Sat 9 Jan")
    assert await told(desk, outside) == []


async def test_an_hour_that_was_told_as_new_to_nobody_is_told_when_it_is_confirmed(
    desk: Desk, outside: OutsideWorld
) -> None:
    [booking] = bookings(1)
    await desk.tell(booking)
    async with telling(desk, outside.url, {}) as sender:
        desk.now += QUARTER
        assert await sender.tell_once() == 0
    await desk.tell(again(booking, 2))
    assert len(await told(desk, outside)) == 1


async def test_an_event_that_waited_for_a_contact_tells_the_therapist_once(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = uuid4()
    await desk.tell(a_booking(person, therapist_id=THERAPIST))
    assert len(await told(desk, outside)) == 1
    await desk.tell(a_contact(person))
    assert await told(desk, outside) == []


async def test_all_that_was_planned_is_sent_skipped_or_waits(desk: Desk, outside: OutsideWorld) -> None:
    await desk.tell(*bookings(2), *bookings(3, uuid4()))
    await told(desk, outside)
    await desk.tell(*bookings(1))
    assert Counter(await news(desk)) == {
        ("new_booking", "sent", None): 2,
        ("new_booking", "skipped", "no_number"): 3,
        ("new_booking", "waiting", None): 1,
    }


async def test_the_desk_of_a_site_is_told_of_who_comes_there_by_how_many_they_are(
    desk: Desk, outside: OutsideWorld
) -> None:
    at_the_site = {"site_id": SITE, "modality": "in_person", "lane": "in_person"}
    await desk.tell(a_site(SITE), *bookings(2, uuid4(), **at_the_site), *bookings(1, uuid4()))
    [(number, text)] = await told(desk, outside)
    assert number == NUMBERS[SITE]
    assert text.startswith("2 new appointments, the first on Fri 8 Jan at 1:00 pm, in Lahore.")


async def test_while_the_gateway_is_away_it_is_tried_again_and_told_as_it_is_then(
    desk: Desk, outside: OutsideWorld
) -> None:
    stays, goes = bookings(2)
    await desk.tell(stays, goes)
    desk.now += QUARTER
    async with telling(desk, f"http://127.0.0.1:{free_port()}") as sender:
        assert await sender.tell_once() == 1
        assert await sender.tell_once() == 0
    await desk.tell(cancelled(goes))
    [(_, text)] = await told(desk, outside, timedelta(minutes=1))
    assert text.startswith("A new appointment: ")
    assert await told(desk, outside) == []


async def test_a_message_that_left_before_a_crash_arrives_once(desk: Desk, outside: OutsideWorld) -> None:
    await desk.tell(*bookings(1))
    desk.now += QUARTER
    async with telling(desk, outside.url) as sender:
        async with desk.database.transaction() as tx:
            claimed = await claim_staff_messages(tx, 10, 12, NUMBERS.keys(), RULES)
        await sender._gateway.send([sender._write(one, hours) for one, hours in claimed.items()])
        assert await sender.tell_once() == 0
        desk.now += timedelta(seconds=12)
        assert await sender.tell_once() == 1
    assert len(outside.received("sms")) == 1
    assert await news(desk) == [("new_booking", "sent", None)]


async def test_a_number_that_no_gateway_takes_is_given_up(desk: Desk, outside: OutsideWorld) -> None:
    await desk.tell(*bookings(1))
    outside.sms_status = 503
    async with telling(desk, outside.url) as sender:
        for _ in range(MAX_TRIES):
            desk.now += QUARTER
            assert await sender.tell_once() == 1
        desk.now += QUARTER
        assert await sender.tell_once() == 0
        assert sender.metrics()["staff_messages_failed_total"] == 1
    assert await news(desk) == [("new_booking", "failed", "gateway_busy")]


async def test_whoever_has_no_number_any_more_is_told_nothing(desk: Desk, outside: OutsideWorld) -> None:
    await desk.tell(*bookings(1))
    desk.now += QUARTER
    async with telling(desk, outside.url, {}) as sender:
        assert await sender.tell_once() == 0
    assert await news(desk) == [("new_booking", "skipped", "no_number")]


async def test_while_news_of_its_case_is_parked_an_hour_is_not_told(
    desk: Desk, outside: OutsideWorld
) -> None:
    [booking] = bookings(1)
    await desk.tell(booking)
    await desk.pool.execute(
        "INSERT INTO blocks (grp, topic, key, kind) VALUES ('notifications', 'scheduling.appointments', $1, 'dead')",
        str(booking.case_id),
    )
    assert await told(desk, outside) == []
    await desk.pool.execute("DELETE FROM blocks")
    assert len(await told(desk, outside)) == 1


async def test_two_senders_at_once_tell_a_therapist_once(desk: Desk) -> None:
    await desk.tell(*bookings(3))
    desk.now += QUARTER
    async with desk.database.transaction() as one, desk.database.transaction() as two:
        first = await claim_staff_messages(one, 10, 12, NUMBERS.keys(), RULES)
        second = await claim_staff_messages(two, 10, 12, NUMBERS.keys(), RULES)
    assert [len(hours) for hours in first.values()] == [3]
    assert second == {}


async def test_a_recipient_is_told_in_one_message_wherever_a_batch_ends(desk: Desk) -> None:
    await desk.tell(*bookings(1, OTHER), *bookings(5))
    desk.now += QUARTER
    told_of: Counter[UUID] = Counter()
    messages: Counter[UUID] = Counter()
    for _ in range(3):
        async with desk.database.transaction() as tx:
            for message, hours in (await claim_staff_messages(tx, 3, 12, NUMBERS.keys(), RULES)).items():
                messages[message.recipient_id] += 1
                told_of[message.recipient_id] += len(hours)
    assert told_of == {OTHER: 1, THERAPIST: 5}
    assert messages == {OTHER: 1, THERAPIST: 1}


async def test_it_is_told_on_no_topic_and_an_operator_reads_that_it_was_told(
    desk: Desk, outside: OutsideWorld
) -> None:
    [booking] = bookings(1)
    await desk.tell(booking)
    planned = await desk.pool.fetchrow("SELECT * FROM journey WHERE case_id = $1", booking.case_id)
    assert planned is not None
    assert planned["waits_for"] == f"gathered at {NOW + QUARTER:%Y-%m-%dT%H:%M:%SZ}"
    await told(desk, outside)
    steps = await desk.pool.fetch(
        "SELECT step, detail FROM journey WHERE case_id = $1 ORDER BY at", booking.case_id
    )
    assert [tuple(step) for step in steps] == [
        ("staff_message_planned", "new_booking"),
        ("staff_message_sent", "new_booking by sms"),
    ]
    assert await desk.said() == []
