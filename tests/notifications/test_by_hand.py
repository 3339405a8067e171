"""Where no message can do it a human is asked, once, in time, and not when nobody has to."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.domain.by_hand import NEAR, Hour, due_by, due_by_of_offer
from services.notifications.domain.outcomes import Settled
from services.notifications.domain.planning import OFFER_AFTER
from services.notifications.domain.receipts import Receipt
from services.notifications.handlers.announcing import failed
from services.notifications.handlers.by_hand import ask_humans
from services.notifications.handlers.receiving import take_receipts
from services.notifications.repository.messages import Message
from shared.contracts.base import Event
from shared.contracts.console import TaskDone
from shared.contracts.intake import ConsentChanged, ContactStopped
from shared.contracts.matching import MatchOffered
from tests.notifications.facts import NOW, Desk, a_booking, cancelled, moved
from tests.notifications.outside import OutsideWorld
from tests.notifications.senders import sending, settled
from tests.notifications.test_offers import ends, offered

SOON = NOW + timedelta(hours=30)


async def tasks(desk: Desk) -> list[dict[str, Any]]:
    return [dict(row) for row in await desk.pool.fetch("SELECT * FROM tasks ORDER BY version, opened_at")]


async def said(desk: Desk) -> list[tuple[str, dict[str, Any]]]:
    return [(kind, event) for kind, event in await desk.said() if kind.startswith("task")]


async def told_in_vain(desk: Desk, outside: OutsideWorld, *events: Event) -> None:
    """The gateway will never take it: the number is nobody's here."""
    await desk.tell(*events)
    async with sending(desk, outside):
        await settled(desk, "failed", "skipped")


def unreachable(outside: OutsideWorld, person: UUID, **changes: Any) -> Event:
    return outside.a_contact(person, "+923001234567", **changes)


async def test_the_last_channel_that_fails_before_a_near_hour_opens_a_task_for_a_human(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = uuid4()
    booking = a_booking(person, start=SOON)
    await told_in_vain(desk, outside, unreachable(outside, person, channels=("sms", "whatsapp")), booking)
    [(kind, task)] = await said(desk)
    assert (kind, task["kind"], task["queue"], task["case_id"]) == (
        "task_opened",
        "tell_by_hand",
        "coordinator",
        str(booking.case_id),
    )
    assert task["outcomes"] == ["told", "not_reached"]
    assert task["appointment_id"] == str(booking.appointment_id)
    assert "person_id" not in task
    [row] = await tasks(desk)
    assert row["due_by"] == NOW + timedelta(hours=24)
    [(waits_for,)] = await desk.pool.fetch("SELECT waits_for FROM journey WHERE step = 'task_opened'")
    assert waits_for.startswith("a coordinator, by 2027-01-06T08:00")


async def test_a_far_hour_is_left_to_its_reminder_and_one_that_is_taken_back_is_not(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = uuid4()
    booking = a_booking(person, start=NOW + timedelta(days=20))
    await told_in_vain(desk, outside, unreachable(outside, person), booking)
    assert await tasks(desk) == []
    await told_in_vain(desk, outside, cancelled(booking))
    assert [task["version"] for task in await tasks(desk)] == [2]


async def test_one_hour_is_told_by_hand_once_although_its_reminder_fails_as_well(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = uuid4()
    await told_in_vain(desk, outside, unreachable(outside, person), a_booking(person, start=SOON))
    desk.now = SOON - timedelta(hours=24)
    async with sending(desk, outside):
        await settled(desk, "failed")
    assert len(await tasks(desk)) == len(await said(desk)) == 1


async def test_while_another_channel_is_left_no_human_is_asked(desk: Desk, outside: OutsideWorld) -> None:
    person = uuid4()
    await desk.tell(outside.a_contact(person, channels=("whatsapp", "sms")), a_booking(person, start=SOON))
    outside.whatsapp_status = 400
    async with sending(desk, outside):
        await settled(desk, "sent")
    assert await tasks(desk) == []


async def test_a_handset_that_never_got_it_asks_for_a_human_once(desk: Desk, outside: OutsideWorld) -> None:
    person = uuid4()
    await desk.tell(outside.a_contact(person), a_booking(person, start=SOON))
    async with sending(desk, outside):
        await settled(desk, "sent")
    [(message,)] = await desk.pool.fetch("SELECT id FROM messages WHERE purpose = 'booked'")
    for _ in range(2):
        async with desk.database.transaction() as tx:
            await take_receipts(tx, [Receipt(message, "sms", "failed")], ["sms"])
    assert [kind for kind, _ in await said(desk)] == ["task_opened"]


async def offered_in_vain(desk: Desk, outside: OutsideWorld) -> MatchOffered:
    person = uuid4()
    offer = offered(person, uuid4())
    await desk.tell(unreachable(outside, person), offer)
    desk.now += OFFER_AFTER
    async with sending(desk, outside):
        await settled(desk, "failed")
    return offer


async def test_whoever_may_choose_and_is_reached_by_no_message_is_told_by_a_human(
    desk: Desk, outside: OutsideWorld
) -> None:
    offer = await offered_in_vain(desk, outside)
    [(kind, task)] = await said(desk)
    assert (kind, task["kind"], task["case_id"]) == ("task_opened", "tell_by_hand", str(offer.case_id))
    assert task["appointment_id"] is None
    [row] = await tasks(desk)
    assert (row["match_id"], row["due_by"]) == (offer.match_id, desk.now + timedelta(hours=24))


async def test_a_task_that_is_opened_while_the_choice_is_heard_is_closed_by_it(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = uuid4()
    offer = offered(person, uuid4())
    await desk.tell(unreachable(outside, person), offer)
    (row,) = await desk.pool.fetch(
        "SELECT id, case_id, person_id, appointment_id, version, purpose FROM messages"
    )
    message = Message(*row)
    missed = failed(message, "sms", Settled("failed", "address_not_reserved", last_chance=True), desk.now)
    async with desk.database.transaction() as tx:
        await ask_humans(tx, [(message, missed)])
        hearing = asyncio.create_task(desk.tell(ends(offer)["accepted"]))
        await asyncio.wait([hearing], timeout=0.3)
        assert not hearing.done()
    await hearing
    assert [task["outcome"] for task in await tasks(desk)] == ["not_needed"]


@pytest.mark.parametrize("end", [end for end in sorted(ends(offered(uuid4(), uuid4()))) if end != "booked"])
async def test_nobody_is_asked_to_tell_of_a_choice_that_is_over(
    desk: Desk, outside: OutsideWorld, end: str
) -> None:
    offer = await offered_in_vain(desk, outside)
    await desk.tell(ends(offer)[end])
    [_, (kind, closed)] = await said(desk)
    assert (kind, closed["outcome"], closed["closed_by"]) == ("task_closed", "not_needed", "system")


async def test_nobody_is_asked_to_tell_an_hour_that_has_moved(desk: Desk, outside: OutsideWorld) -> None:
    person = uuid4()
    booking = a_booking(person, start=SOON)
    await told_in_vain(desk, outside, unreachable(outside, person), booking)
    await desk.tell(moved(booking, timedelta(hours=1)))
    [_, (kind, closed)] = await said(desk)
    assert (kind, closed["outcome"], closed["closed_by"]) == ("task_closed", "not_needed", "system")
    async with sending(desk, outside):
        await settled(desk, "failed", "skipped")
    assert [(task["version"], task["closed_at"] is None) for task in await tasks(desk)] == [
        (1, False),
        (2, True),
    ]


async def test_whoever_wants_to_hear_nothing_is_not_called_either(desk: Desk, outside: OutsideWorld) -> None:
    stopped, withdrawn = uuid4(), uuid4()
    for person in (stopped, withdrawn):
        await desk.tell(unreachable(outside, person), a_booking(person, start=SOON))
    async with sending(desk, outside):
        await settled(desk, "failed")
    taken_back = ConsentChanged(
        person_id=withdrawn,
        case_ids=(),
        purpose="contact",
        state="withdrawn",
        text_version="1",
        changed_at=NOW,
    )
    await desk.tell(ContactStopped(person_id=stopped, case_ids=(), stopped_at=NOW), taken_back)
    assert {task["outcome"] for task in await tasks(desk)} == {"not_needed"}
    kinds = [kind for kind, _ in await said(desk)]
    assert kinds == ["task_opened"] * 2 + ["task_closed"] * 2


@pytest.mark.parametrize("heard", ["by_receipt", "at_the_next_try"])
async def test_whoever_was_stopped_before_the_last_way_failed_is_not_told_by_hand(
    desk: Desk, outside: OutsideWorld, heard: str
) -> None:
    person = uuid4()
    await desk.tell(outside.a_contact(person), a_booking(person, start=SOON))
    outside.sms_status = 200 if heard == "by_receipt" else 500
    async with sending(desk, outside):
        await settled(desk, "sent" if heard == "by_receipt" else "sending")
    await desk.tell(ContactStopped(person_id=person, case_ids=(), stopped_at=NOW))
    if heard == "by_receipt":
        message = await desk.pool.fetchval("SELECT id FROM messages WHERE purpose = 'booked'")
        async with desk.database.transaction() as tx:
            await take_receipts(tx, [Receipt(message, "sms", "failed")], ["sms"])
    else:
        desk.now += timedelta(minutes=1)
        async with sending(desk, outside):
            await settled(desk, "failed")
    assert ("booked", "failed") in await desk.messages("purpose", "state")
    assert await tasks(desk) == await said(desk) == []


async def test_what_was_done_at_the_worklist_is_kept_and_not_said_again(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = uuid4()
    await told_in_vain(desk, outside, unreachable(outside, person), a_booking(person, start=SOON))
    [task] = await tasks(desk)

    def done(opened_by: str, outcome: str) -> TaskDone:
        return TaskDone(
            task_id=task["task_id"], opened_by=opened_by, kind="tell_by_hand", outcome=outcome,
            done_by="coordinator-1", done_at=NOW,
        )  # fmt: skip

    await desk.tell(
        done("matching", "not_reached"), done("notifications", "told"), done("notifications", "not_reached")
    )
    [closed] = await tasks(desk)
    assert (closed["outcome"], closed["closed_by"]) == ("told", "coordinator-1")
    assert [kind for kind, _ in await said(desk)] == ["task_opened"]
    steps = [
        row["step"] for row in await desk.pool.fetch("SELECT step FROM journey WHERE detail LIKE 'tell_by%'")
    ]
    assert sorted(steps) == ["task_closed", "task_opened"]


@given(st.none() | st.integers(-100, 60 * 24 * 30).map(lambda value: NOW + timedelta(minutes=value)))
def test_whoever_may_choose_is_told_while_they_may(end: datetime | None) -> None:
    at = due_by_of_offer(end, NOW)
    assert (at is None) == (end is None or end <= NOW)
    assert at is None or (end is not None and NOW < at <= end)


minutes = st.integers(-100, 60 * 24 * 30).map(lambda value: timedelta(minutes=value))


@given(
    st.sampled_from(["booked", "changed", "cancelled", "displaced", "reminder"]), minutes, st.integers(1, 4)
)
def test_a_human_is_given_time_and_never_more_than_there_is(
    purpose: str, ahead: timedelta, version: int
) -> None:
    hour = Hour(3, NOW + ahead, told_since=2)
    at = due_by(purpose, version, hour, NOW)
    same = version in (2, 3)
    reminded = purpose not in ("cancelled", "displaced")
    assert (at is None) == (not same or ahead <= timedelta(0) or (reminded and ahead > NEAR))
    assert at is None or NOW < at <= hour.start
