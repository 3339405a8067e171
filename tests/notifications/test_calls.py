"""Somebody who named a call is called: by a human, in their hours, a few times, and what came of it is told."""

from datetime import datetime, timedelta
from typing import Any
from unittest.mock import ANY
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.domain.calling import AGAIN_AFTER, MOST_CALLS, OUTCOMES, after_call
from services.notifications.domain.receipts import Receipt
from services.notifications.domain.sending import Channel, Contact, Due, Send, Skip, Subject, decide
from services.notifications.domain.windows import Hours, Window, is_open, next_closing
from services.notifications.handlers.receiving import take_receipts
from shared.contracts.base import Event
from shared.contracts.intake import CaseEnded, ContactStopped
from tests.notifications.callers import FIVE, NUMBER, SOON, done, due, open_task, to_call
from tests.notifications.facts import NOW, Desk, a_booking, cancelled, moved, waitlisted
from tests.notifications.outside import OutsideWorld


async def tasks(desk: Desk, columns: str = "kind, number, outcome") -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await desk.pool.fetch(f"SELECT {columns} FROM calls ORDER BY opened_at")]


async def about_tasks(desk: Desk) -> list[tuple[str, dict[str, Any]]]:
    return [(kind, event) for kind, event in await desk.said() if kind.startswith("task")]


async def booked(desk: Desk) -> tuple[Any, ...]:
    rows = await desk.messages("purpose", "state", "channel", "reason", "next_at")
    return next(row[1:] for row in rows if row[0] == "booked")


async def test_a_call_is_asked_of_a_human_once_and_only_as_long_as_it_is_safe(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = await to_call(desk, outside)
    await due(desk)
    [(kind, task)] = await about_tasks(desk)
    assert (kind, task["kind"], task["queue"]) == ("task_opened", "call_person", "coordinator")
    assert task["outcomes"] == list(OUTCOMES)
    assert datetime.fromisoformat(task["due_by"]) == FIVE
    assert str(person) not in str(task)
    assert NUMBER not in str(await desk.said())
    assert await booked(desk) == ("calling", "call", None, FIVE)


async def test_a_call_waits_for_the_hours_of_the_person(desk: Desk, outside: OutsideWorld) -> None:
    desk.now = NOW - timedelta(hours=6)  # 7:00
    await to_call(desk, outside)
    assert await about_tasks(desk) == []
    assert await booked(desk) == ("planned", None, "safe_window", NOW - timedelta(hours=4))


async def test_what_was_not_called_in_time_is_the_same_task_when_it_is_safe_again(
    desk: Desk, outside: OutsideWorld
) -> None:
    await to_call(desk, outside)
    task = await open_task(desk)
    desk.now = FIVE
    await due(desk)
    desk.now = FIVE + timedelta(hours=16)
    await due(desk)
    said = [kind for kind, event in await about_tasks(desk) if event["task_id"] == str(task)]
    assert said == ["task_opened", "task_closed", "task_opened"]
    assert await tasks(desk, "task_id, number, outcome") == [
        (task, 1, None),
        (ANY, 1, None),
    ]  # and a reminder's


async def test_whoever_was_reached_has_been_told(desk: Desk, outside: OutsideWorld) -> None:
    await to_call(desk, outside)
    task = await open_task(desk)
    await done(desk, "reached")
    await done(desk, "not_reached", task, by="coordinator-2")
    assert (await booked(desk))[:3] == ("delivered", "call", None)
    said = [event for kind, event in await desk.said() if kind == "message_delivered"]
    assert [event["channel"] for event in said] == ["call"]
    steps = {row["detail"] for row in await desk.pool.fetch("SELECT detail FROM journey")}
    assert {"booked by call", "call_person for booked", "call_person: reached"} <= steps


async def test_whoever_was_not_reached_is_called_again_a_few_times_and_then_told_another_way(
    desk: Desk, outside: OutsideWorld
) -> None:
    await to_call(desk, outside, channels=("call", "sms"), safe_windows=())
    for number in range(1, MOST_CALLS + 1):
        assert (await tasks(desk, "number"))[-1] == (number,)
        await done(desk, "not_reached")
        if number < MOST_CALLS:
            assert await booked(desk) == ("planned", "call", "not_reached", desk.now + AGAIN_AFTER)
            desk.now += AGAIN_AFTER
            await due(desk)
    assert await desk.pool.fetchval("SELECT given_up FROM messages WHERE purpose = 'booked'") == ["call"]
    [failed] = [event for kind, event in await desk.said() if kind == "message_failed"]
    assert (failed["channel"], failed["reason"], failed["last_chance"]) == ("call", "not_reached", False)
    await due(desk, "sms")
    assert (await booked(desk))[:2] == ("sending", "sms")


async def test_a_wrong_number_is_no_way_at_all_and_somebody_has_to_find_another(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = await to_call(desk, outside, channels=("call", "sms"))
    await done(desk, "wrong_number")
    assert (await booked(desk))[:3] == ("failed", "call", "wrong_number")
    assert [(kind, outcome) for kind, _, outcome in await tasks(desk)] == [
        ("call_person", "wrong_number"),
        ("reconfirm_contact", None),
    ]
    assert (await about_tasks(desk))[-1][1]["outcomes"] == ["reconfirmed", "not_found"]
    assert await desk.pool.fetchval("SELECT count(*) FROM tasks") == 0
    await desk.tell(outside.a_contact(person, NUMBER, changed_at=NOW + timedelta(minutes=1)))
    assert (await tasks(desk))[-1] == ("reconfirm_contact", 1, "not_needed")


async def test_whoever_was_not_reached_and_named_nothing_else_that_there_is_here_is_told_by_hand(
    desk: Desk, outside: OutsideWorld
) -> None:
    await to_call(desk, outside, channels=("call", "whatsapp"), safe_windows=())
    for _ in range(MOST_CALLS):
        await done(desk, "not_reached")
        desk.now += AGAIN_AFTER
        await due(desk)
    assert await desk.pool.fetchval("SELECT state FROM messages WHERE purpose = 'booked'") == "failed"
    chances = [event["last_chance"] for kind, event in await desk.said() if kind == "message_failed"]
    assert chances == [False, True]
    opened = [event["kind"] for kind, event in await about_tasks(desk) if kind == "task_opened"]
    assert opened.count("tell_by_hand") == 1


async def test_a_wrong_number_is_asked_for_once_a_person(desk: Desk, outside: OutsideWorld) -> None:
    person = await to_call(desk, outside)
    await done(desk, "wrong_number")
    await desk.tell(a_booking(person, start=SOON + timedelta(days=1)))
    await due(desk)
    [(task,)] = await desk.pool.fetch(
        "SELECT task_id FROM calls WHERE kind = 'call_person' AND outcome IS NULL"
    )
    await done(desk, "wrong_number", task)
    assert [kind for kind, _, _ in await tasks(desk)].count("reconfirm_contact") == 1


async def test_whoever_asks_the_caller_to_stop_is_stopped_everywhere(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = await to_call(desk, outside)
    await done(desk, "asked_to_stop")
    states = {(state, reason) for state, reason in await desk.messages("state", "reason")}
    assert states == {("skipped", "stopped")}
    [asked] = [event for kind, event in await desk.said() if kind == "stop_asked"]
    assert (asked["person_id"], asked["channel"]) == (str(person), "call")


@pytest.mark.parametrize("what", ["cancelled", "moved", "stopped", "ended"])
async def test_nobody_calls_about_what_is_not_so_any_more(
    desk: Desk, outside: OutsideWorld, what: str
) -> None:
    person = uuid4()
    booking = a_booking(person, start=SOON)
    await desk.tell(outside.a_contact(person, NUMBER, channels=("call",)), booking)
    await due(desk)
    news: dict[str, Event] = {
        "cancelled": cancelled(booking),
        "moved": moved(booking, timedelta(hours=1)),
        "stopped": ContactStopped(person_id=person, case_ids=(), stopped_at=NOW),
        "ended": CaseEnded(person_id=person, case_ids=(booking.case_id,), ended_at=NOW),
    }
    await desk.tell(news[what])
    assert await tasks(desk) == [("call_person", 1, "not_needed")]
    kind, closed = (await about_tasks(desk))[-1]
    assert (kind, closed["closed_by"]) == ("task_closed", "system")
    assert (await booked(desk))[0] == "skipped"


async def test_a_humans_word_counts_although_the_hours_ended_before_it_was_said(
    desk: Desk, outside: OutsideWorld
) -> None:
    await to_call(desk, outside)
    task = await open_task(desk)
    desk.now = FIVE
    await due(desk)
    await done(desk, "reached", task)
    assert (await booked(desk))[0] == "delivered"


async def test_a_call_follows_where_a_text_did_not_arrive_and_is_off_when_it_did_after_all(
    desk: Desk, outside: OutsideWorld
) -> None:
    await to_call(desk, outside, channels=("sms", "call"))
    [(message,)] = await desk.pool.fetch("SELECT id FROM messages WHERE purpose = 'booked'")
    await desk.pool.execute("UPDATE messages SET state = 'sent', channel = 'sms' WHERE id = $1", message)
    for fate, expected in (("failed", None), ("delivered", "not_needed")):
        async with desk.database.transaction() as tx:
            await take_receipts(tx, [Receipt(message, "sms", fate)], ["sms"])  # type: ignore[arg-type]
        await due(desk)
        assert await tasks(desk) == [("call_person", 1, expected)]
    assert (await booked(desk))[:2] == ("delivered", "sms")


async def test_whoever_names_another_way_meanwhile_is_not_called(desk: Desk, outside: OutsideWorld) -> None:
    person = await to_call(desk, outside)
    later = NOW + timedelta(minutes=1)
    await desk.tell(outside.a_contact(person, NUMBER, channels=("inbox",), changed_at=later))
    await due(desk)
    assert (await booked(desk))[:2] == ("delivered", "inbox")
    assert await tasks(desk) == [("call_person", 1, "not_needed")]


async def test_whoever_waits_on_the_list_is_called_too(desk: Desk, outside: OutsideWorld) -> None:
    person = uuid4()
    await desk.tell(outside.a_contact(person, NUMBER, channels=("call",)), waitlisted(person))
    await due(desk)
    await done(desk, "reached")
    assert await desk.messages("purpose", "state", "channel") == [("waitlisted", "delivered", "call")]


ALL_DAY = tuple(Window(day, 0, 1440) for day in range(1, 8))
moments = st.integers(0, 60 * 24 * 400).map(lambda minute: NOW + timedelta(minutes=minute))
windows = st.lists(
    st.builds(Window, st.integers(1, 7), st.integers(0, 1439), st.integers(0, 1440)), min_size=1, max_size=4
)


@given(windows, moments, st.sampled_from(["Asia/Karachi", "Europe/London"]))
def test_a_window_is_open_until_it_closes_and_closed_then(
    given_windows: list[Window], now: datetime, zone: str
) -> None:
    if not is_open(given_windows, zone, now):
        return
    closes = next_closing([Hours(given_windows, zone)], now)
    for minute in range(1, 60 * 24):
        at = now + timedelta(minutes=minute)
        if closes is not None and at >= closes:
            break
        assert is_open(given_windows, zone, at)
    assert closes is None or not is_open(given_windows, zone, closes)


@pytest.mark.parametrize("purpose", ["consent_request", "invitation"])
def test_a_pin_is_read_out_to_nobody(purpose: str) -> None:
    contact = Contact(["call"], ALL_DAY, "Asia/Karachi", NOW + timedelta(days=9), has_address=True)
    due = Due(purpose, 1, None, False, False, Subject(1, "invited", SOON), contact)
    assert decide(due, NOW) == Skip("no_channel")


@given(
    st.sampled_from(OUTCOMES),
    st.integers(1, 9),
    st.permutations(["call", "sms", "whatsapp", "email", "inbox"]),
    st.integers(1, 100).map(lambda hours: NOW + timedelta(hours=hours)),
)
def test_calls_come_to_an_end(outcome: str, number: int, channels: list[Channel], last: datetime) -> None:
    contact = Contact(channels, ALL_DAY, "Asia/Karachi", None, has_address=True)
    settled = after_call(outcome, number, contact, (), last, NOW)
    if settled.state == "planned" and not settled.given_up:
        assert outcome == "not_reached"
        assert number < MOST_CALLS
        assert settled.due_at is not None
        assert settled.due_at < last


def test_a_call_is_due_no_later_than_the_hour_it_is_about() -> None:
    contact = Contact(["call"], ALL_DAY, "Asia/Karachi", NOW + timedelta(days=9), has_address=True)
    subject = Subject(1, "booked", NOW + timedelta(hours=3))
    due = Due("booked", 1, None, False, False, subject, contact)
    assert decide(due, NOW) == Send("call", NOW + timedelta(hours=3))
