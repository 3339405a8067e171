"""Time off and extra hours: nothing new inside an absence, nothing that is booked is silent about it."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from services.scheduling.api.exceptions import EVENINGS, LEAVE
from services.scheduling.domain.calendars import OtherHours
from services.scheduling.domain.exceptions import MOST_COMING
from services.scheduling.handlers import exceptions
from shared.contracts.scheduling import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentRescheduled,
    SlotNotFound,
)
from tests.scheduling import world
from tests.scheduling.asking import as_, fields, post, put
from tests.scheduling.reference import clock, rule
from tests.scheduling.store import NOW, Store

MONDAY = (NOW.date() - date(1970, 1, 1)).days
TODAY, TOMORROW = "2026-11-23", "2026-11-24"


def hours(kind: Any, day: int, start: str = "00:00", end: str = "24:00", **changes: Any) -> OtherHours:
    """An exception on the n-th day from that Monday."""
    day += MONDAY
    usual = OtherHours(uuid4(), 0, kind, day, day, clock(start), clock(end), None, None)
    return replace(usual, **changes)


async def write(store: Store, therapist: UUID, wanted: OtherHours, seen: int | None = None) -> Any:
    async with store.transaction() as tx:
        return await exceptions.save(tx, therapist, wanted, seen)


async def starts(store: Store) -> list[str]:
    return [world.local(one.start) for one in await store.said(AppointmentBooked)]


async def slots(http: httpx2.AsyncClient, therapist: UUID, **asked: Any) -> list[str]:
    """What is shown as open on that Monday and Tuesday, online unless asked otherwise."""
    query = {"therapist_id": str(therapist), "to": "2026-11-25T00:00:00+05:00", "limit": 500} | asked
    (found,) = (await http.get("/v1/slots", params=query)).json()["therapists"]
    return [one["start"][:16] for one in found["slots"]]


async def test_nothing_is_booked_inside_time_off_and_everything_after_it(store: Store) -> None:
    therapist = await world.add_therapist(store)
    await write(store, therapist, hours("time_off", 0, "12:00", "16:00"))
    await write(store, therapist, hours("time_off", 1, last_day=MONDAY + 2))
    for _ in range(2):
        await store.hear(world.match(therapist))
    assert await starts(store) == ["Mon 16:00", "Thu 09:00"]


async def test_extra_hours_are_booked_where_the_rules_have_none(store: Store) -> None:
    therapist = await world.add_therapist(store, [rule(3, "09:00", "10:00")])
    await write(store, therapist, hours("extra_hours", 0, "20:00", "21:00", lane="online"))
    for _ in range(2):
        await store.hear(world.match(therapist))
    assert await starts(store) == ["Mon 20:00", "Wed 09:00"]


async def test_extra_hours_that_touch_the_rules_make_one_longer_day(store: Store) -> None:
    therapist = await world.add_therapist(store, [rule(1, "12:00", "12:30")])
    await write(store, therapist, hours("extra_hours", 0, "12:30", "13:00", lane="online"))
    await store.hear(world.match(therapist))
    assert await starts(store) == ["Mon 12:00"]


async def test_time_off_in_one_lane_leaves_the_other_open(store: Store) -> None:
    site = await world.add_site(store)
    rules = [rule(1, "12:00", "14:00"), rule(1, "12:00", "14:00", site)]
    therapist = await world.add_therapist(store, rules, horizon=5)
    await write(store, therapist, hours("time_off", 0, lane="in_person", site_id=site))
    await store.hear(world.match((therapist, site)))
    await store.hear(world.match(therapist))
    assert [one.reason for one in await store.said(SlotNotFound)] == ["no_hour"]
    assert [one.lane for one in await store.said(AppointmentBooked)] == ["online"]


async def test_extra_hours_at_another_site_close_the_usual_one_meanwhile(store: Store) -> None:
    usual, other = await world.add_site(store), await world.add_site(store)
    therapist = await world.add_therapist(store, [rule(1, "12:00", "14:00", usual)], horizon=5)
    extra = hours("extra_hours", 0, "12:00", "14:00", lane="in_person", site_id=other)
    await write(store, therapist, extra)
    await store.hear(world.match((therapist, usual)))
    await store.hear(world.match((therapist, other)))
    assert [one.site_id for one in await store.said(AppointmentBooked)] == [other]


async def test_an_absence_that_is_taken_back_opens_the_hours_again(store: Store) -> None:
    therapist = await world.add_therapist(store)
    absence = hours("time_off", 0)
    await write(store, therapist, absence)
    async with store.transaction() as tx:
        await exceptions.withdraw(tx, therapist, absence.id, 1)
    await store.hear(world.match(therapist))
    assert await starts(store) == ["Mon 12:00"]


async def test_what_is_booked_inside_a_new_absence_stays_and_is_named(
    http: httpx2.AsyncClient, store: Store
) -> None:
    therapist = await world.add_therapist(store)
    for _ in range(2):
        await store.hear(world.match(therapist))
    path = f"/v1/calendars/{therapist}/exceptions"
    absence = {"kind": "time_off", "first_day": TODAY, "last_day": TODAY, "start": "13:00", "end": "15:00"}
    saved = (await put(http, f"{path}/{uuid4()}", absence)).json()
    (second,) = [one for one in await store.said(AppointmentBooked) if world.local(one.start) == "Mon 13:15"]
    (named,) = saved["booked_outside"]
    assert named == {
        "appointment_id": str(second.appointment_id), "version": 1, "therapist_id": str(therapist), "lane": "online", "modality": "video",
        "site_id": None, "start": "2026-11-23T13:15:00+05:00", "end": "2026-11-23T14:05:00+05:00",
        "links": {"self": f"/v1/appointments/{second.appointment_id}"},
    }  # fmt: skip
    assert (await http.get(path)).json()["booked_outside"] == [named]
    assert await store.said(AppointmentCancelled) == []
    move = f"{named['links']['self']}/reschedule"
    inside = await post(http, move, {"start": "2026-11-23T14:00:00+05:00"}, **{"if-match": '"1"'})
    assert (inside.status_code, inside.json()["code"]) == (409, "slot_taken")
    moved = await post(http, move, {"start": "2026-11-23T15:00:00+05:00"}, **{"if-match": '"1"'})
    assert moved.status_code == 200
    assert len(await store.said(AppointmentRescheduled)) == 1
    assert (await http.get(path)).json()["booked_outside"] == []


async def test_what_is_booked_in_extra_hours_is_named_when_they_are_taken_back(
    http: httpx2.AsyncClient, store: Store
) -> None:
    therapist = await world.add_therapist(store, [rule(3, "09:00", "10:00")])
    path = f"/v1/calendars/{therapist}/exceptions/{uuid4()}"
    extra = EVENINGS | {"first_day": TODAY, "last_day": TODAY}
    assert (await put(http, path, extra)).json()["booked_outside"] == []
    await store.hear(world.match(therapist))
    for _ in range(2):
        gone = await http.delete(path, headers={"if-match": '"1"'})
        assert [one["start"] for one in gone.json()["booked_outside"]] == ["2026-11-23T20:30:00+05:00"]
    assert await starts(store) == ["Mon 20:30"]


async def test_what_is_shown_as_open_follows_the_exceptions_at_once(
    http: httpx2.AsyncClient, store: Store
) -> None:
    therapist = await world.add_therapist(store, [rule(1, "12:00", "13:00"), rule(2, "12:00", "13:00")])
    before = await slots(http, therapist)
    assert before == ["2026-11-23T12:00", "2026-11-24T12:00"]
    path = f"/v1/calendars/{therapist}/exceptions/{uuid4()}"
    off = {"kind": "time_off", "first_day": TODAY, "last_day": TODAY}
    first = await put(http, path, off)
    assert (first.status_code, first.headers["etag"]) == (200, '"1"')
    assert await slots(http, therapist) == ["2026-11-24T12:00"]
    later = await put(http, path, off | {"last_day": TOMORROW}, **{"if-match": '"1"'})
    assert (later.status_code, later.headers["etag"]) == (200, '"2"')
    assert await slots(http, therapist) == []
    assert (await http.delete(path, headers={"if-match": '"2"'})).status_code == 200
    assert await slots(http, therapist) == before


async def test_extra_hours_at_a_new_site_are_shown_there(http: httpx2.AsyncClient, store: Store) -> None:
    therapist, site = (
        await world.add_therapist(store, [rule(2, "12:00", "13:00")]),
        await world.add_site(store),
    )
    extra = EVENINGS | {"lane": "in_person", "site_id": str(site), "first_day": TODAY, "last_day": TODAY}
    saved = await put(http, f"/v1/calendars/{therapist}/exceptions/{uuid4()}", extra)
    assert saved.status_code == 200
    assert (await slots(http, therapist, lane="in_person"))[0] == "2026-11-23T20:30"


async def test_the_same_again_changes_nothing_and_a_change_names_what_was_seen(
    http: httpx2.AsyncClient, store: Store
) -> None:
    therapist = await world.add_therapist(store)
    path = f"/v1/calendars/{therapist}/exceptions/{uuid4()}"
    for _ in range(3):
        assert (await put(http, path, LEAVE)).headers["etag"] == '"1"'
    other = LEAVE | {"last_day": "2027-01-05"}
    assert (await put(http, path, other)).status_code == 428
    stale = await put(http, path, other, **{"if-match": '"3"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
    assert (await http.delete(path)).status_code == 428
    assert (await http.delete(path, headers={"if-match": '"3"'})).status_code == 412
    gone = await http.delete(path, headers={"if-match": '"1"'})
    assert gone.json()["state"] == "withdrawn"
    # A post office that delivers the first letter again does not bring the absence back.
    late = await put(http, path, LEAVE)
    assert (late.status_code, late.json()["code"]) == (409, "already_withdrawn")
    shown = (await http.get(f"/v1/calendars/{therapist}/exceptions")).json()
    assert shown["exceptions"] == []


async def test_only_what_is_not_over_is_shown_in_order(http: httpx2.AsyncClient, store: Store) -> None:
    therapist = await world.add_therapist(store)
    for day in (9, 4):
        await write(store, therapist, hours("time_off", day, "13:00", "14:00"))
    store.now = NOW + timedelta(days=6)
    shown = (await http.get(f"/v1/calendars/{therapist}/exceptions")).json()
    assert [one["first_day"] for one in shown["exceptions"]] == ["2026-12-02"]
    assert (shown["therapist_id"], shown["time_zone"]) == (str(therapist), "Asia/Karachi")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "holiday"}, ("/kind", "literal_error")),
        ({"first_day": "tomorrow"}, ("/first_day", "date_parsing")),
        ({"first_day": "2026-11-31"}, ("/first_day", "date_parsing")),
        ({"last_day": 20261124}, ("/last_day", "date_type")),
        ({"last_day": "2026-12-01"}, ("/last_day", "end_before_start")),
        ({"first_day": "2026-11-01", "last_day": "2026-11-22"}, ("/last_day", "in_the_past")),
        ({"last_day": "2027-12-31"}, ("/last_day", "too_long")),
        ({"first_day": "2029-01-01", "last_day": "2029-01-01"}, ("/first_day", "too_far")),
        ({"start": "09:10"}, ("/start", "off_grid")),
        ({"end": "09:10"}, ("/end", "off_grid")),
        ({"start": "9:00"}, ("/start", "string_pattern_mismatch")),
        ({"start": "13:00", "end": "12:00"}, ("/end", "end_before_start")),
        ({"lane": "crisis"}, ("/lane", "literal_error")),
        ({"kind": "extra_hours"}, ("/lane", "missing")),
        ({"kind": "extra_hours", "lane": "in_person"}, ("/site_id", "missing")),
        ({"lane": "online", "site_id": str(uuid4())}, ("/site_id", "not_allowed")),
        ({"site_id": str(uuid4())}, ("/site_id", "not_allowed")),
        ({"lane": "in_person", "site_id": str(uuid4())}, ("/site_id", "unknown_site")),
        ({"lane": "in_person", "site_id": "lahore"}, ("/site_id", "uuid_parsing")),
        ({"reason": "ill"}, ("/reason", "unknown_field")),
    ],
)
async def test_an_exception_is_refused_by_the_field_that_is_wrong(
    http: httpx2.AsyncClient, store: Store, change: dict[str, Any], field: tuple[str, str]
) -> None:
    therapist = await world.add_therapist(store)
    answer = await put(http, f"/v1/calendars/{therapist}/exceptions/{uuid4()}", LEAVE | change)
    assert (answer.status_code, fields(answer)) == (422, [field])
    assert await store.count("exceptions") == 0


async def test_nobody_has_extra_hours_at_two_sites_at_once(store: Store, http: httpx2.AsyncClient) -> None:
    therapist = await world.add_therapist(store)
    here, there = [str(await world.add_site(store)) for _ in range(2)]
    path = f"/v1/calendars/{therapist}/exceptions"
    extra = EVENINGS | {"lane": "in_person", "site_id": here}
    assert (await put(http, f"{path}/{uuid4()}", extra)).status_code == 200
    twice = await put(http, f"{path}/{uuid4()}", extra | {"site_id": there, "start": "22:45"})
    assert (twice.status_code, fields(twice)) == (422, [("/site_id", "in_two_places")])
    for other in ({"start": "23:00", "end": "24:00"}, {"first_day": "2027-03-10", "last_day": "2027-03-10"}):
        assert (await put(http, f"{path}/{uuid4()}", extra | {"site_id": there} | other)).status_code == 200


async def test_so_many_exceptions_are_a_mistake(store: Store, http: httpx2.AsyncClient) -> None:
    therapist = await world.add_therapist(store)
    for day in range(MOST_COMING):
        await write(store, therapist, hours("time_off", day))
    answer = await put(http, f"/v1/calendars/{therapist}/exceptions/{uuid4()}", LEAVE)
    assert (answer.status_code, fields(answer)) == (422, [("", "too_many")])


async def test_therapists_write_their_own_exceptions_and_nobody_else_does(
    http: httpx2.AsyncClient, keys: Path, store: Store
) -> None:
    therapist = await world.add_therapist(store)
    path = f"/v1/calendars/{therapist}/exceptions"
    for role, subject, status in (
        ("therapist", str(therapist), 200), ("therapist", str(uuid4()), 403), ("coordinator", "staff-1", 200),
        ("clinic_desk", "staff-1", 403), ("person", "somebody", 403),
    ):  # fmt: skip
        headers = as_(keys, role, subject)
        assert (await put(http, f"{path}/{uuid4()}", LEAVE, **headers)).status_code == status
        assert (await http.get(path, headers=headers)).status_code == status
    unknown = f"/v1/calendars/{uuid4()}/exceptions"
    assert (await http.get(unknown)).status_code == 404
    assert (await put(http, f"{unknown}/{uuid4()}", LEAVE)).status_code == 404
    assert (await http.delete(f"{path}/{uuid4()}", headers={"if-match": '"1"'})).status_code == 404
    assert (await put(http, f"{path}/christmas", LEAVE)).status_code == 422
