"""No SMS to staff at night unless an hour is near, however late the sender comes to it."""

from datetime import datetime, timedelta

import pytest

from deploy.local.ports import free_port
from tests.notifications.facts import NOW, Desk, moved
from tests.notifications.outside import OutsideWorld
from tests.notifications.staff import NUMBERS, OTHER, THERAPIST, bookings, give_numbers, telling, told

EVENING = NOW + timedelta(hours=7, minutes=40)  # 20:40 in Karachi
NIGHT = NOW + timedelta(hours=13)
MORNING = NOW + timedelta(hours=19)


@pytest.fixture(autouse=True)
def staff_have_numbers(desk: Desk) -> None:
    give_numbers(desk)
    desk.now = EVENING


async def at(when: datetime, desk: Desk, outside: OutsideWorld) -> list[tuple[str, str]]:
    return await told(desk, outside, when - desk.now)


async def test_what_was_due_in_the_evening_is_not_sent_when_the_sender_is_back_at_night(
    desk: Desk, outside: OutsideWorld
) -> None:
    far, near = (
        *bookings(1, start=NOW + timedelta(days=8)),
        *bookings(1, OTHER, start=NIGHT + timedelta(hours=20)),
    )
    await desk.tell(far, near)
    [(number, _)] = await at(NIGHT, desk, outside)
    assert number == NUMBERS[OTHER]
    await desk.tell(*bookings(1, start=NOW + timedelta(days=9)))
    assert await at(MORNING - timedelta(minutes=1), desk, outside) == []
    [(number, text)] = await at(MORNING, desk, outside)
    assert number == NUMBERS[THERAPIST]
    assert text.startswith("2 new appointments")


async def test_what_no_gateway_took_in_the_evening_is_tried_again_in_the_morning(
    desk: Desk, outside: OutsideWorld
) -> None:
    await desk.tell(*bookings(1, start=NOW + timedelta(days=8)))
    desk.now += timedelta(minutes=19, seconds=58)
    async with telling(desk, f"http://127.0.0.1:{free_port()}") as sender:
        assert await sender.tell_once() == 1
    assert await at(NIGHT, desk, outside) == []
    assert len(await at(MORNING, desk, outside)) == 1


async def test_an_hour_that_was_moved_away_from_tomorrow_is_told_at_night_too(
    desk: Desk, outside: OutsideWorld
) -> None:
    [booking] = bookings(1, start=NIGHT + timedelta(hours=8))
    await desk.tell(booking)
    assert len(await at(EVENING + timedelta(minutes=5), desk, outside)) == 1
    await desk.tell(moved(booking, timedelta(days=7)))
    assert len(await at(NIGHT, desk, outside)) == 1
