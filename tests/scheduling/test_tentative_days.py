"""A holiday that may come makes hours provisional and moves nobody; when it is known they are firm again, or displaced."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, get_args
from uuid import UUID, uuid4

import httpx2
import orjson
import pytest

from services.scheduling.domain.appointments import OF_HOLIDAYS, Why
from services.scheduling.domain.calendars import may_close
from services.scheduling.domain.certainty import reconsidered
from services.scheduling.domain.changes import Move
from services.scheduling.domain.holds import Wanted
from services.scheduling.domain.wall_time import minute_of
from services.scheduling.handlers import attending, certainty, changing, holding
from shared.contracts.scheduling import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentCertaintyChanged,
    AppointmentDisplaced,
    AppointmentHeld,
    AppointmentRescheduled,
)
from shared.messaging import Due
from tests.scheduling import world
from tests.scheduling.asking import put
from tests.scheduling.reference import minute, rule
from tests.scheduling.store import NOW, Store
from tests.scheduling.test_attendance import AN_HOUR
from tests.scheduling.test_changing import COORDINATOR, cancel
from tests.scheduling.test_exceptions import MONDAY, hours, write
from tests.scheduling.test_holidays import CONFIRMED, NOONS, PATH, TENTATIVE, TOMORROW
from tests.scheduling.test_undoing import keyed

NOON = minute(2026, 11, 23, 7)  # 12:00 in Karachi
CALENDAR = world.calendar(uuid4(), NOONS)
MAY, COMES = replace(CALENDAR, tentative=((MONDAY, MONDAY),)), replace(CALENDAR, holidays=((MONDAY, MONDAY),))


@pytest.mark.parametrize(
    ("calendar", "start", "closes"),
    [
        (CALENDAR, NOON, False),
        (MAY, NOON, True),
        (MAY, NOON + 1440, False),
        (replace(MAY, other_hours=(hours("extra_hours", 0, "12:00", "13:00", lane="online"),)), NOON, False),
        (replace(MAY, time_zone="Pacific/Auckland"), NOON, True),
        (replace(MAY, tentative=((MONDAY - 1, MONDAY + 1),)), NOON + 1440, True),
    ],
)
def test_an_hour_may_close_on_the_days_of_its_zone_unless_somebody_works_then_all_the_same(
    calendar: Any, start: int, closes: bool
) -> None:
    assert may_close(calendar, "online", None, start, start + 50) is closes


@pytest.mark.parametrize("calendar", [CALENDAR, MAY, COMES])
@pytest.mark.parametrize("why", [None, *get_args(Why)])
def test_what_staff_have_yet_to_confirm_stays_so_unless_the_holiday_comes(calendar: Any, why: Any) -> None:
    hour = replace(AN_HOUR, start=NOON, end=NOON + 50, why=why)
    found = {id(MAY): "may_be_holiday", id(COMES): "holiday"}.get(id(calendar))
    expected = "to_be_confirmed" if why == "to_be_confirmed" and found != "holiday" else found
    after = reconsidered(hour, calendar)
    assert (after.why, after.certainty) == (expected, "provisional" if expected else "firm")
    assert after.version == hour.version + (expected != why)
    assert replace(after, version=hour.version, why=why) == hour
    assert reconsidered(after, calendar) == after


async def reconsider(store: Store) -> None:
    """The rows that are due, to the last page."""
    while rows := await store.rows("DELETE FROM scheduling.due WHERE kind = 'reconsider_hours' RETURNING *"):
        dues = [Due(row["kind"], row["key"], row["at"], orjson.loads(row["body"])) for row in rows]
        async with store.transaction() as tx:
            await certainty.reconsider_hours(dues, tx)


async def write_holiday(http: httpx2.AsyncClient, store: Store, body: Any, seen: int = 0) -> httpx2.Response:
    headers = {"if-match": f'"{seen}"'} if seen else {}
    answer = await put(http, PATH, body, **headers)
    assert answer.status_code == 200
    await reconsider(store)
    return answer


async def stands(http: httpx2.AsyncClient, hour: Any) -> tuple[str, str, str | None]:
    one = (await http.get(f"/v1/appointments/{hour.appointment_id}")).json()
    return one["state"], one["certainty"], one["certainty_reason"]


async def noon(store: Store, therapist: UUID | None = None, **changes: Any) -> AppointmentBooked:
    """The hour at noon of that Monday, unless told otherwise."""
    made = world.match(therapist or await world.add_therapist(store, NOONS), **changes)
    await store.hear(made)
    (booked,) = await store.said(AppointmentBooked, case_id=made.case_id)
    return booked


async def test_booked_on_such_a_day_it_is_provisional_and_everybody_can_see_why(
    http: httpx2.AsyncClient, store: Store
) -> None:
    await write_holiday(http, store, TENTATIVE)
    hour = await noon(store)
    assert (hour.certainty, hour.certainty_reason) == ("provisional", "may_be_holiday")
    assert await stands(http, hour) == ("booked", "provisional", "may_be_holiday")
    file = (await http.get(f"/v1/appointments/{hour.appointment_id}.ics")).text
    assert "STATUS:TENTATIVE" in file
    assert (await noon(store, earliest=NOW + timedelta(days=1))).certainty == "firm"


async def test_what_is_booked_already_is_marked_and_firm_again_when_the_day_is_dropped(
    http: httpx2.AsyncClient, store: Store
) -> None:
    hour, other = await noon(store), await noon(store, earliest=NOW + timedelta(days=1))
    await write_holiday(http, store, TENTATIVE)
    assert await stands(http, hour) == ("booked", "provisional", "may_be_holiday")
    assert await stands(http, other) == ("booked", "firm", None)
    await write_holiday(http, store, TENTATIVE | {"status": "cancelled"}, 1)
    assert await stands(http, hour) == ("booked", "firm", None)
    told = await store.said(AppointmentCertaintyChanged)
    assert [(one.version, one.certainty, one.by, one.start) for one in told] == [
        (2, "provisional", "system", hour.start),
        (3, "firm", "system", hour.start),
    ]
    steps = await store.rows(
        "SELECT detail FROM scheduling.journey WHERE step LIKE '%certainty%' ORDER BY at, detail"
    )
    assert {row["detail"] for row in steps} == {"by system: may_be_holiday", "by system: firm"}


async def test_when_the_moon_is_seen_a_day_later_the_marks_move_and_no_hour_does(
    http: httpx2.AsyncClient, store: Store
) -> None:
    monday, tuesday = await noon(store), await noon(store, earliest=NOW + timedelta(days=1))
    await write_holiday(http, store, TENTATIVE)
    await write_holiday(http, store, TENTATIVE | {"first_day": TOMORROW, "last_day": TOMORROW}, 1)
    assert await stands(http, monday) == ("booked", "firm", None)
    assert await stands(http, tuesday) == ("booked", "provisional", "may_be_holiday")
    assert await store.said(AppointmentRescheduled, AppointmentCancelled) == []


async def test_an_hour_whose_day_became_a_holiday_is_displaced_until_people_see_to_it(
    http: httpx2.AsyncClient, store: Store
) -> None:
    hour, confirmed = await noon(store), await noon(store)
    await write_holiday(http, store, TENTATIVE)
    outside = (await write_holiday(http, store, CONFIRMED, 1)).json()["booked_outside"]
    assert {one["appointment_id"] for one in outside} == {
        str(hour.appointment_id),
        str(confirmed.appointment_id),
    }
    assert await stands(http, hour) == ("booked", "provisional", "holiday")
    lost = await store.said(AppointmentDisplaced, case_id=hour.case_id)
    assert [(one.version, one.reason, one.start) for one in lost] == [(3, "holiday", hour.start)]
    async with store.transaction() as tx:  # they will meet all the same
        await attending.take_step(tx, confirmed.appointment_id, COORDINATOR, "confirm", 3)
    assert await stands(http, confirmed) == ("booked", "firm", None)
    async with store.transaction() as tx:
        tuesday = Move(minute_of(hour.start) + 1440)
        await changing.reschedule(tx, hour.appointment_id, COORDINATOR, tuesday, 3)
    assert await stands(http, hour) == ("booked", "firm", None)


async def test_a_holiday_that_was_confirmed_by_mistake_gives_the_hour_back_and_tells_it_once_more(
    http: httpx2.AsyncClient, store: Store
) -> None:
    hour = await noon(store)
    await write_holiday(http, store, CONFIRMED)
    await write_holiday(http, store, CONFIRMED | {"status": "cancelled"}, 1)
    again = (await store.said(AppointmentBooked, case_id=hour.case_id))[-1]
    assert (again.version, again.certainty, again.by) == (3, "firm", "system")


async def test_moved_onto_such_a_day_it_is_provisional_and_moved_off_it_firm(
    http: httpx2.AsyncClient, store: Store
) -> None:
    await write_holiday(http, store, TENTATIVE)
    hour = await noon(store, earliest=NOW + timedelta(days=1))
    for seen, (start, why) in enumerate([(NOON, "may_be_holiday"), (minute_of(hour.start), None)], start=1):
        async with store.transaction() as tx:
            there = await changing.reschedule(tx, hour.appointment_id, COORDINATOR, Move(start), seen)
        assert (there.why, there.certainty) == (why, "provisional" if why else "firm")
    assert [one.certainty_reason for one in await store.said(AppointmentRescheduled)] == [
        "may_be_holiday",
        None,
    ]


async def test_an_hour_that_is_held_on_such_a_day_is_booked_provisionally(
    http: httpx2.AsyncClient, store: Store
) -> None:
    await write_holiday(http, store, TENTATIVE)
    hour = await noon(store, earliest=NOW + timedelta(days=1))
    await cancel(store, hour.appointment_id, COORDINATOR)
    async with store.transaction() as tx:
        wanted = Wanted(hour.case_id, hour.therapist_id, NOON, "video", None, 30)
        held = await holding.hold(tx, wanted, COORDINATOR, keyed(tx))
    async with store.transaction() as tx:
        booked = await holding.confirm(tx, held.id, COORDINATOR)
    assert (booked.certainty, booked.why) == ("provisional", "may_be_holiday")
    told = (await store.said(AppointmentHeld, AppointmentBooked))[-2:]
    assert {one.certainty_reason for one in told} == {"may_be_holiday"}


async def test_a_day_full_of_hours_is_gone_through_page_by_page(
    http: httpx2.AsyncClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certainty, "AT_ONCE", 2)
    for _ in range(5):
        await noon(store)
    await write_holiday(http, store, TENTATIVE)
    assert len(await store.said(AppointmentCertaintyChanged)) == 5


async def test_a_holiday_elsewhere_and_an_hour_in_extra_hours_change_nothing(
    http: httpx2.AsyncClient, store: Store
) -> None:
    london = await world.add_therapist(store, NOONS, time_zone="Europe/London")
    works = await world.add_therapist(store, [rule(2, "12:00", "13:00")])
    await write(store, works, hours("extra_hours", 0, "12:00", "13:00", lane="online"))
    booked = [await noon(store, london), await noon(store, works)]
    await write_holiday(http, store, TENTATIVE)
    await write_holiday(http, store, CONFIRMED, 1)
    assert {await stands(http, one) for one in booked} == {("booked", "firm", None)}
    assert set(OF_HOLIDAYS) == set(get_args(Why)) - {"to_be_confirmed"}
