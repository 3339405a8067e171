"""Who waits is told so once, however often they come back to the list meanwhile; what is news again is told again."""

from datetime import timedelta
from uuid import uuid4

import pytest

from tests.notifications.facts import NOW, Desk, a_booking, a_contact, cancelled, waitlisted


async def told(desk: Desk) -> list[int]:
    return [
        version for version, purpose in await desk.messages("version", "purpose") if purpose == "waitlisted"
    ]


async def arrives(desk: Desk) -> None:
    await desk.pool.execute(
        "UPDATE messages SET state = 'delivered', channel = 'sms', settled_at = $1 WHERE state = 'planned'",
        desk.now,
    )


@pytest.mark.parametrize("arrived", [True, False])
async def test_whoever_pauses_for_a_moment_is_told_once_that_they_wait(desk: Desk, arrived: bool) -> None:
    person, case = uuid4(), uuid4()
    await desk.tell(a_contact(person), waitlisted(person, case))
    if arrived:
        await arrives(desk)
    desk.now = NOW + timedelta(minutes=10)
    await desk.tell(waitlisted(person, case, attempt=2), waitlisted(person, case, attempt=3))
    assert await told(desk) == [1]


async def test_whoever_comes_back_to_the_list_another_day_is_told(desk: Desk) -> None:
    person, case = uuid4(), uuid4()
    await desk.tell(a_contact(person), waitlisted(person, case))
    await arrives(desk)
    desk.now = NOW + timedelta(hours=25)
    await desk.tell(waitlisted(person, case, attempt=2))
    assert await told(desk) == [1, 2]


async def test_whoever_had_an_hour_in_between_is_told_that_they_wait_again(desk: Desk) -> None:
    person, case = uuid4(), uuid4()
    booking = a_booking(person, case_id=case, attempt=2)
    await desk.tell(a_contact(person), waitlisted(person, case))
    await arrives(desk)
    for minutes, news in enumerate((booking, cancelled(booking), waitlisted(person, case, attempt=3)), 1):
        desk.now = NOW + timedelta(minutes=minutes)
        await desk.tell(news)
    assert await told(desk) == [1, 3]


async def test_what_did_not_arrive_is_no_reason_to_say_nothing(desk: Desk) -> None:
    person, case = uuid4(), uuid4()
    await desk.tell(a_contact(person), waitlisted(person, case))
    await desk.pool.execute("UPDATE messages SET state = 'failed', settled_at = $1", desk.now)
    await desk.tell(waitlisted(person, case, attempt=2))
    assert await told(desk) == [1, 2]


async def test_another_case_of_the_same_person_is_another_word(desk: Desk) -> None:
    person = uuid4()
    await desk.tell(a_contact(person), waitlisted(person), waitlisted(person))
    assert await told(desk) == [1, 1]
