"""Nobody has confirmed for too long how somebody is reached: what is due waits, one human is asked, and nothing is lost."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from services.notifications.domain.calling import reconfirm_by
from services.notifications.repository.sending import oldest_due
from shared.contracts.console import TaskDone
from shared.contracts.intake import ConsentChanged, ContactStopped
from tests.notifications.callers import NUMBER, due, open_task
from tests.notifications.facts import NOW, TRACE, Desk, a_booking, cancelled, waitlisted
from tests.notifications.outside import OutsideWorld
from tests.notifications.test_calls import about_tasks, tasks

SOON = NOW + timedelta(hours=30)
LONG_AGO = NOW - timedelta(days=1)


def unconfirmed(outside: OutsideWorld, person: UUID) -> Any:
    return outside.a_contact(person, NUMBER, confirmed_until=LONG_AGO, changed_at=NOW - timedelta(days=61))


def confirmed(outside: OutsideWorld, person: UUID, at: datetime = NOW) -> Any:
    return outside.a_contact(person, NUMBER, confirmed_until=at + timedelta(days=60), changed_at=at)


async def fates(desk: Desk, purpose: str = "booked") -> list[tuple[Any, ...]]:
    rows = await desk.messages("purpose", "state", "reason", "next_at")
    return [row[1:] for row in rows if row[0] == purpose]


async def said_done(desk: Desk, outcome: str, task: UUID | None = None) -> None:
    await desk.tell(
        TaskDone(
            task_id=task or await open_task(desk), opened_by="notifications", kind="reconfirm_contact",
            outcome=outcome, done_by="coordinator-1", done_at=desk.now,
        )
    )  # fmt: skip


def test_a_human_is_asked_in_time_for_what_waits() -> None:
    assert reconfirm_by(None, NOW) == NOW + timedelta(hours=24)
    assert reconfirm_by(NOW + timedelta(days=9), NOW) == NOW + timedelta(hours=24)
    assert reconfirm_by(NOW + timedelta(hours=8), NOW) == NOW + timedelta(hours=6)
    assert reconfirm_by(NOW + timedelta(minutes=10), NOW) == NOW + timedelta(minutes=10)


async def test_what_is_due_waits_for_the_contact_and_goes_as_soon_as_it_is_confirmed(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = uuid4()
    await desk.tell(unconfirmed(outside, person), a_booking(person, start=SOON))
    await due(desk)
    assert await fates(desk) == [("planned", "contact_unconfirmed", SOON)]
    assert "message_skipped" not in await desk.said_types()
    await desk.tell(confirmed(outside, person))
    await due(desk)
    assert [fate[0] for fate in await fates(desk)] == ["sending"]


async def test_one_human_is_asked_however_many_messages_wait(desk: Desk, outside: OutsideWorld) -> None:
    person = uuid4()
    first = a_booking(person, start=SOON)
    await desk.tell(unconfirmed(outside, person), first, a_booking(person, start=SOON + timedelta(days=2)))
    await due(desk)
    await desk.tell(cancelled(first))
    await due(desk)
    [(kind, task)] = await about_tasks(desk)
    assert (kind, task["kind"], task["queue"]) == ("task_opened", "reconfirm_contact", "coordinator")
    assert (task["outcomes"], task["case_id"]) == (["reconfirmed", "not_found"], str(first.case_id))
    assert datetime.fromisoformat(task["due_by"]) == NOW + timedelta(hours=24)
    assert str(person) not in str(task)


async def test_two_senders_at_once_ask_one_human(desk: Desk, outside: OutsideWorld) -> None:
    person = uuid4()
    await desk.tell(
        unconfirmed(outside, person), a_booking(person, start=SOON), a_booking(person, start=SOON)
    )
    async with desk.database.transaction() as other:
        await other.connection.execute("SELECT FROM contacts WHERE person_id = $1 FOR NO KEY UPDATE", person)
        await due(desk)
        assert await about_tasks(desk) == []
        assert set(await fates(desk)) == {
            ("planned", "contact_unconfirmed", NOW + timedelta(seconds=30)),
        }
    desk.now += timedelta(seconds=30)
    await due(desk)
    assert len(await about_tasks(desk)) == 1


async def test_a_contact_that_comes_while_we_look_finds_what_waits_for_it(
    desk: Desk, outside: OutsideWorld
) -> None:
    """Decided on what was true before, recorded after it had changed: else it would wait until it is too late."""
    person = uuid4()
    await desk.tell(unconfirmed(outside, person), a_booking(person, start=SOON))
    async with desk.database.transaction() as news:
        later = NOW + timedelta(days=60)
        await news.connection.execute(
            "UPDATE contacts SET confirmed_until = $2 WHERE person_id = $1", person, later
        )
        await due(desk)
    desk.now += timedelta(seconds=30)
    await due(desk)
    assert [fate[0] for fate in await fates(desk)] == ["sending"]
    assert await about_tasks(desk) == []


async def test_the_task_closes_by_itself_with_the_confirmation(desk: Desk, outside: OutsideWorld) -> None:
    person = uuid4()
    await desk.tell(unconfirmed(outside, person), a_booking(person, start=SOON))
    await due(desk)
    await desk.tell(confirmed(outside, person))
    [_, (kind, closed)] = await about_tasks(desk)
    assert (kind, closed["outcome"], closed["closed_by"]) == ("task_closed", "not_needed", "system")


async def test_whoever_was_not_found_is_looked_for_again_only_when_their_contact_came_anew(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = uuid4()
    await desk.tell(unconfirmed(outside, person), a_booking(person, start=SOON))
    await due(desk)
    await said_done(desk, "not_found")
    await desk.tell(a_booking(person, start=SOON))
    await due(desk)
    assert [kind for kind, _, _ in await tasks(desk)] == ["reconfirm_contact"]
    desk.now = NOW + timedelta(days=100)
    await desk.tell(confirmed(outside, person, NOW), a_booking(person, start=desk.now + timedelta(hours=30)))
    await due(desk)
    assert [outcome for _, _, outcome in await tasks(desk)] == ["not_found", None]


async def test_a_human_who_found_that_it_holds_tells_intake_whose_contact_it_is(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = uuid4()
    booking = a_booking(person, start=SOON)
    await desk.tell(unconfirmed(outside, person), booking)
    await due(desk)
    task = await open_task(desk)
    await said_done(desk, "reconfirmed")
    await said_done(desk, "reconfirmed", task)
    [found] = [event for kind, event in await desk.said() if kind == "contact_reconfirmed"]
    assert found["person_id"] == str(person)
    assert found["case_id"] == str(booking.case_id)
    assert set(found) >= {"case_id", "person_id", "reconfirmed_at"}
    # Still unconfirmed until intake says so.
    assert (await fates(desk))[0][:2] == ("planned", "contact_unconfirmed")
    traces = await desk.pool.fetch("SELECT traceparent FROM outbox WHERE type LIKE '%reconfirmed%'")
    assert [row["traceparent"][3:35] for row in traces] == [TRACE[3:35]]


async def test_what_nobody_confirmed_in_time_is_not_sent_when_it_is_too_late(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = uuid4()
    await desk.tell(unconfirmed(outside, person), a_booking(person, start=SOON))
    await due(desk)
    desk.now = SOON
    await due(desk)
    assert [fate[:2] for fate in await fates(desk)] == [("skipped", "too_late")]


async def test_that_somebody_waits_is_not_kept_for_them_without_end_but_a_human_is_asked(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = uuid4()
    await desk.tell(unconfirmed(outside, person), waitlisted(person))
    await due(desk)
    assert [fate[:2] for fate in await fates(desk, "waitlisted")] == [("skipped", "contact_unconfirmed")]
    assert [event["kind"] for _, event in await about_tasks(desk)] == ["reconfirm_contact"]


async def test_whoever_wants_no_messages_is_not_looked_for_and_is_when_they_want_them_again(
    desk: Desk, outside: OutsideWorld
) -> None:
    person = uuid4()
    await desk.tell(unconfirmed(outside, person), a_booking(person, start=SOON))
    await due(desk)
    await desk.tell(ContactStopped(person_id=person, case_ids=(), stopped_at=NOW))
    assert [outcome for _, _, outcome in await tasks(desk)] == ["not_needed"]
    agreed = ConsentChanged(
        person_id=person, case_ids=(), purpose="contact", state="given", text_version="2026-01",
        changed_at=NOW + timedelta(minutes=1),
    )  # fmt: skip
    await desk.tell(agreed, a_booking(person, start=SOON))
    await due(desk)
    assert [outcome for _, _, outcome in await tasks(desk)] == ["not_needed", None]


async def test_what_waits_for_a_confirmation_is_not_told_as_late(desk: Desk, outside: OutsideWorld) -> None:
    person = uuid4()
    await desk.tell(unconfirmed(outside, person), a_booking(person, start=SOON))
    await due(desk)
    desk.now = SOON - timedelta(minutes=5)
    await due(desk)
    async with desk.database.transaction() as tx:
        assert await oldest_due(tx) == timedelta(0)
