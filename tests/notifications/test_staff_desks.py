"""Desks hear of hours that come to their site and of hours that leave it, and of no others."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.notifications.facts import Desk, a_site, cancelled, moved
from tests.notifications.outside import OutsideWorld
from tests.notifications.staff import NUMBERS, SITE, again, bookings, give_numbers, news, told

ELSEWHERE = uuid4()
NUMBER, OTHERS = "+923990000023", "+923990000024"
DAY = timedelta(days=1)
THERE = {"site_id": SITE, "modality": "in_person", "lane": "in_person"}
NEW = "A new appointment: Sat 9 Jan at 1:00 pm, in Lahore."
GONE = "The appointment on Fri 8 Jan at 1:00 pm, in Lahore, is not at your site any more."


@pytest.fixture(autouse=True)
async def desks_have_numbers(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NUMBERS, ELSEWHERE, OTHERS)
    give_numbers(desk)
    await desk.tell(a_site(SITE), a_site(ELSEWHERE))


def a_visit() -> Any:
    """An hour at the site with somebody who has no number."""
    [booking] = bookings(1, uuid4(), **THERE)
    return booking


def moved_to(hour: Any, site: Any, by: timedelta = DAY) -> Any:
    change = moved(hour, by, hour.version + 1)
    return change.model_copy(update={"site_id": site} if site else {"site_id": None, "modality": "video"})


async def test_a_desk_hears_that_an_hour_has_left_and_the_other_that_one_has_come(
    desk: Desk, outside: OutsideWorld
) -> None:
    visit = a_visit()
    await desk.tell(visit)
    await told(desk, outside)
    change = moved_to(visit, ELSEWHERE)
    await desk.tell(change)
    assert sorted(await told(desk, outside)) == [(NUMBER, GONE), (OTHERS, NEW)]
    await desk.tell(cancelled(change, 3))
    [(number, text)] = await told(desk, outside)
    assert (number, text) == (OTHERS, "The appointment on Sat 9 Jan at 1:00 pm, in Lahore, is cancelled.")


async def test_a_desk_hears_that_people_meet_by_video_instead(desk: Desk, outside: OutsideWorld) -> None:
    visit = a_visit()
    await desk.tell(visit)
    await told(desk, outside)
    await desk.tell(moved_to(visit, None))
    assert await told(desk, outside) == [(NUMBER, GONE)]


async def test_a_desk_hears_nothing_of_an_hour_that_left_before_it_was_told(
    desk: Desk, outside: OutsideWorld
) -> None:
    visit = a_visit()
    await desk.tell(visit, moved_to(visit, ELSEWHERE))
    assert await told(desk, outside) == [(OTHERS, NEW)]
    assert ("changed_booking", "skipped", "moved_away") in await news(desk)
    steps = await desk.pool.fetch("SELECT detail FROM journey WHERE case_id = $1", visit.case_id)
    assert "new_booking: not sent, the hour has left their site" in {step["detail"] for step in steps}


async def test_a_desk_hears_once_of_an_hour_that_moves_on_and_by_the_time_it_knew(
    desk: Desk, outside: OutsideWorld
) -> None:
    visit = a_visit()
    await desk.tell(visit)
    await told(desk, outside)
    change = moved_to(visit, ELSEWHERE)
    await desk.tell(change, moved_to(change, None))
    assert await told(desk, outside) == [(NUMBER, GONE)]
    assert await told(desk, outside) == []


async def test_an_hour_that_comes_back_is_told_as_new_where_it_was_told_to_have_left(
    desk: Desk, outside: OutsideWorld
) -> None:
    visit = a_visit()
    await desk.tell(visit)
    await told(desk, outside)
    away = moved_to(visit, ELSEWHERE)
    await desk.tell(away)
    await told(desk, outside)
    back = moved_to(away, SITE, timedelta())
    await desk.tell(back, again(back, 4))
    assert (NUMBER, NEW) in await told(desk, outside)
    await desk.tell(cancelled(back, 5))
    [(number, text)] = await told(desk, outside)
    assert number == NUMBER
    assert text.endswith("is cancelled.")


async def test_an_hour_that_is_back_before_its_leaving_was_told_is_told_as_changed(
    desk: Desk, outside: OutsideWorld
) -> None:
    visit = a_visit()
    await desk.tell(visit)
    await told(desk, outside)
    away = moved_to(visit, ELSEWHERE)
    await desk.tell(away, moved_to(away, SITE, timedelta()))
    text = "An appointment has changed. It is now on Sat 9 Jan at 1:00 pm, in Lahore."
    assert await told(desk, outside) == [(NUMBER, text)]


async def test_the_same_moves_again_tell_nothing_again(desk: Desk, outside: OutsideWorld) -> None:
    visit = a_visit()
    change = moved_to(visit, ELSEWHERE)
    await desk.tell(visit)
    await told(desk, outside)
    await desk.tell(change, change)
    assert len(await told(desk, outside)) == 2
    await desk.tell(change, visit)
    assert await told(desk, outside) == []
