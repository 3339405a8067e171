"""A key that is gone before we hear why: whoever has no address any more has no key, and is told on their page all the same."""

from datetime import timedelta
from uuid import UUID, uuid4

from services.notifications.domain.sending import MAX_TRIES
from tests.notifications.facts import NOW, Desk, a_booking, a_contact
from tests.notifications.outside import OutsideWorld
from tests.notifications.senders import seen, sending, settled

UNREADABLE = "address_unreadable"


async def booked(desk: Desk, outside: OutsideWorld, hours: float = 20) -> UUID:
    """Somebody with an hour that was to be told by SMS, whose key is gone."""
    person = uuid4()
    await desk.tell(
        outside.a_contact(person, "+923990000001"), a_booking(person, start=NOW + timedelta(hours=hours))
    )
    del outside.keys[person]
    return person


async def test_a_message_that_was_claimed_before_its_person_gave_up_their_number_is_on_their_page(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = await booked(desk, outside)
    async with sending(desk, outside):
        await seen(desk, "state reason tries", "planned", UNREADABLE, 1)
        by_page = a_contact(person, channels=("inbox",), address=None, changed_at=NOW + timedelta(seconds=1))
        await desk.tell(by_page)
        await settled(desk, "delivered")
    assert await desk.messages("state", "channel") == [("delivered", "inbox")]
    assert outside.received("sms") == []
    assert {"message_skipped", "message_failed", "task_opened"}.isdisjoint(await desk.said_types())


async def test_an_sms_without_an_answer_is_not_given_up_because_its_key_is_just_changing(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = await booked(desk, outside)
    await desk.pool.execute("UPDATE messages SET state = 'sending', tried_by = 'sms'")
    async with sending(desk, outside):
        await seen(desk, "state reason tried_by", "sending", UNREADABLE, "sms")
        changed = outside.a_contact(person, "+923990000077", changed_at=NOW + timedelta(seconds=1))
        await desk.tell(changed)
        desk.now += timedelta(minutes=1)
        await settled(desk, "sent")
    assert [one["to"] for one in outside.received("sms")] == ["+923990000077"]
    assert {"message_skipped", "message_failed", "task_opened"}.isdisjoint(await desk.said_types())


async def test_what_no_key_came_for_is_not_told_when_it_is_of_no_use_any_more(
    desk: Desk, outside: OutsideWorld
) -> None:
    await booked(desk, outside, hours=0.5)
    async with sending(desk, outside):
        await seen(desk, "state reason", "planned", UNREADABLE)
        desk.now += timedelta(minutes=30)
        assert await settled(desk, "skipped") == [("booked", "skipped", "too_late")]


async def test_whoever_no_key_comes_for_is_told_by_a_human(desk: Desk, outside: OutsideWorld) -> None:
    await booked(desk, outside)
    async with sending(desk, outside):
        for tries in range(1, MAX_TRIES):
            await seen(desk, "state tries", "planned", tries)
            desk.now += timedelta(minutes=20)
        assert await settled(desk, "failed") == [("booked", "failed", UNREADABLE)]
    assert "task_opened" in await desk.said_types()
