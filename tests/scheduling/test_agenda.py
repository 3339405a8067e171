"""A day of appointments as staff read it, and the file of an hour, over HTTP: each sees what is theirs."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from shared.contracts.scheduling import AppointmentBooked
from shared.web import pack_cursor
from tests.scheduling import world
from tests.scheduling.asking import as_, fields, post
from tests.scheduling.reference import rule
from tests.scheduling.store import NOW, Store
from tests.scheduling.test_changing import TUESDAY, book

OURS, THEIRS = "rehmat-hospital", "humqadam-network"


async def listed(http: httpx2.AsyncClient, query: dict[str, str] | None = None, **headers: str) -> list[str]:
    """The ids of a day, page by page."""
    found: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(20):
        answer = await http.get("/v1/appointments", params=(query or {}) | cursor, headers=headers)
        assert answer.status_code == 200, answer.text
        found += [one["appointment_id"] for one in answer.json()["appointments"]]
        if answer.json()["next"] is None:
            return found
        cursor = {"cursor": answer.json()["next"]}
    raise AssertionError("it never ends")


async def test_a_day_at_a_site_is_listed_in_order_of_time_page_by_page(
    http: httpx2.AsyncClient, store: Store, keys: Path
) -> None:
    site = await world.add_site(store, rooms=3)
    therapists = [await world.add_therapist(store, [rule(1, "09:00", "17:00", site)]) for _ in range(3)]
    hours = [(await book(store, (one, site)))[0] for one in therapists for _ in range(3)]
    await book(store, await world.add_therapist(store))  # online
    in_order = [
        str(one.appointment_id) for one in sorted(hours, key=lambda one: (one.start, one.appointment_id))
    ]
    day = {"site_id": str(site), "day": "2026-11-23"}
    for limit in ("1", "2", "4", "9", "200"):
        assert await listed(http, day | {"limit": limit}) == in_order
    desk = as_(keys, "clinic_desk", organisation=OURS)
    assert await listed(http, day, **desk) == in_order
    assert await listed(http, day | {"therapist_id": str(therapists[0])}) == [
        str(one.appointment_id) for one in hours[:3]
    ]
    assert await listed(http, day | {"day": "2026-11-24"}) == []


async def test_what_a_day_tells_is_what_the_appointment_tells_and_names_nobody(
    http: httpx2.AsyncClient, store: Store
) -> None:
    hour, _ = await book(store, await world.add_therapist(store))
    answer = await http.get("/v1/appointments")
    (one,) = answer.json()["appointments"]
    assert one == (await http.get(f"/v1/appointments/{hour.appointment_id}")).json()
    for secret in (hour.case_id, *(each.person_id for each in hour.attendees)):
        assert str(secret) not in answer.text


async def test_a_day_is_the_day_on_the_clock_of_the_place(http: httpx2.AsyncClient, store: Store) -> None:
    therapist = await world.add_therapist(store, [rule(2, "00:00", "02:00")], time_zone="Asia/Karachi")
    hour, _ = await book(store, therapist)
    assert hour.start.date().isoformat() == "2026-11-23"  # in UTC it is Monday still
    for day, found in (("2026-11-24", [str(hour.appointment_id)]), ("2026-11-23", [])):
        assert await listed(http, {"therapist_id": str(therapist), "day": day}) == found


async def test_a_therapists_own_day_is_the_day_on_their_own_clock(
    http: httpx2.AsyncClient, store: Store, keys: Path
) -> None:
    midnight = [rule(2, "00:00", "01:00")]  # of that Tuesday in Auckland: 16:00 on Monday in Karachi
    therapist = await world.add_therapist(store, midnight, time_zone="Pacific/Auckland", horizon=5)
    await store.hear(world.match(therapist))
    own = as_(keys, "therapist", str(therapist))
    for day, hours in (("2026-11-23", 0), ("2026-11-24", 1)):
        for whose in ({}, {"therapist_id": str(therapist)}):
            answer = await http.get("/v1/appointments", params={"day": day, **whose}, headers=own)
            assert len(answer.json()["appointments"]) == hours
    nobody_yet = as_(keys, "therapist", str(uuid4()))
    assert (await http.get("/v1/appointments", headers=nobody_yet)).json()["appointments"] == []


async def test_without_a_day_it_is_today_and_what_became_of_hours_stays_listed(
    http: httpx2.AsyncClient, store: Store
) -> None:
    therapist = await world.add_therapist(store)
    today, _ = await book(store, therapist)
    await book(store, therapist, earliest=TUESDAY)
    gone = await post(http, f"/v1/appointments/{today.appointment_id}/cancel", {}, **{"if-match": '"1"'})
    assert gone.status_code == 200
    assert await listed(http) == [str(today.appointment_id)]
    store.now = NOW + timedelta(days=1)
    assert await listed(http) != [str(today.appointment_id)]


async def test_each_sees_only_what_is_theirs(http: httpx2.AsyncClient, store: Store, keys: Path) -> None:
    site, foreign_site = await world.add_site(store), uuid4()
    mine = await world.add_therapist(store, organisation=OURS)
    other = await world.add_therapist(store, organisation=THEIRS)
    (own, _), (foreign, _) = await book(store, mine), await book(store, other)
    therapist, desk = as_(keys, "therapist", str(mine)), as_(keys, "clinic_desk", organisation=OURS)
    assert set(await listed(http)) == {str(own.appointment_id), str(foreign.appointment_id)}
    for who in (therapist, desk):
        assert await listed(http, **who) == [str(own.appointment_id)]
    assert await listed(http, {"site_id": str(site)}, **desk) == []
    for who, query in (
        (therapist, {"therapist_id": str(other)}),
        (desk, {"therapist_id": str(other)}),
        (desk, {"therapist_id": str(uuid4())}),
        (desk, {"site_id": str(foreign_site)}),
        (as_(keys, "clinic_desk", organisation=THEIRS), {"site_id": str(site)}),
        (as_(keys, "clinic_desk"), {}),
        (as_(keys, "therapist", "somebody"), {}),
    ):
        answer = await http.get("/v1/appointments", params=query, headers=who)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    for role in ("person", "participant", "guardian", "operator", "partner", "auditor"):
        assert (await http.get("/v1/appointments", headers=as_(keys, role))).status_code == 403
    assert (await http.get("/v1/appointments", headers={"authorization": ""})).status_code == 401


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"day": "tomorrow"}, "day"),
        ({"day": "2026-02-30"}, "day"),
        ({"day": "0001-01-01"}, "day"),  # in UTC it begins before the first year
        ({"day": "9999-12-31"}, "day"),
        ({"site_id": "lahore"}, "site_id"),
        ({"therapist_id": "asma"}, "therapist_id"),
        ({"limit": "0"}, "limit"),
        ({"limit": "201"}, "limit"),
        ({"cursor": "xyz!"}, "cursor"),
        ({"cursor": "WzEsMl0"}, "cursor"),
        ({"cursor": pack_cursor(-(2**31) + 1, UUID(int=1))}, "cursor"),
        ({"surprise": "1"}, "surprise"),
    ],
)
async def test_a_query_is_refused_by_the_parameter_that_is_wrong(
    http: httpx2.AsyncClient, query: dict[str, str], field: str
) -> None:
    answer = await http.get("/v1/appointments", params=query)
    assert answer.status_code == 422
    assert [where.removeprefix("/") for where, _ in fields(answer)] == [field]


def calendar(text: str) -> dict[str, str]:
    lines = text.replace("\r\n ", "").split("\r\n")
    return dict(line.split(":", 1) for line in lines if line)


async def a_file(
    http: httpx2.AsyncClient, hour: AppointmentBooked, **headers: str
) -> tuple[Any, dict[str, str]]:
    answer = await http.get(f"/v1/appointments/{hour.appointment_id}.ics", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer, calendar(answer.text)


async def test_the_file_follows_an_hour_from_the_booking_over_a_change_to_the_cancellation(
    http: httpx2.AsyncClient, store: Store, keys: Path
) -> None:
    site = await world.add_site(store)
    therapist = await world.add_therapist(store, [rule(day, "09:00", "17:00", site) for day in (1, 2)])
    hour, _ = await book(store, (therapist, site))
    person = as_(keys, "person", case_id=str(hour.case_id))
    path, files = f"/v1/appointments/{hour.appointment_id}", []
    for step, body in (("", {}), ("reschedule", {"start": TUESDAY.isoformat()}), ("cancel", {})):
        if step:
            changed = await post(http, f"{path}/{step}", body, **person, **{"if-match": f'"{len(files)}"'})
            assert changed.status_code == 200
        answer, file = await a_file(http, hour, **person)
        assert answer.headers["content-type"] == f"text/calendar; method={file['METHOD']}; charset=utf-8"
        assert answer.headers["etag"] == f'"{file["SEQUENCE"]}"'
        files.append(file)
    assert [(one["METHOD"], one["SEQUENCE"], one["STATUS"]) for one in files] == [
        ("REQUEST", "1", "CONFIRMED"), ("REQUEST", "2", "CONFIRMED"), ("CANCEL", "3", "CANCELLED"),
    ]  # fmt: skip
    assert [one["DTSTART"] for one in files] == [
        one.strftime("%Y%m%dT%H%M%SZ") for one in (hour.start, TUESDAY, TUESDAY)
    ]
    (uid,) = {one["UID"] for one in files}
    assert UUID(uid).version == 4
    assert files[0]["LOCATION"] == "Second floor.\\, Lahore"
    assert str(hour.appointment_id) not in str(files)


async def test_the_file_is_for_those_whom_the_hour_concerns_in_their_language(
    http: httpx2.AsyncClient, store: Store, keys: Path
) -> None:
    hour, _ = await book(store, await world.add_therapist(store))
    path = f"/v1/appointments/{hour.appointment_id}.ics"
    urdu = await http.get(path, params={"language": "ur"})
    assert calendar(urdu.text)["SUMMARY;LANGUAGE=ur"] == "ملاقات"
    wrong = await http.get(path, params={"language": "sd"})
    assert (wrong.status_code, [where.removeprefix("/") for where, _ in fields(wrong)]) == (422, ["language"])
    for foreign in (as_(keys, "person", case_id=str(uuid4())), as_(keys, "therapist", str(uuid4()))):
        assert (await http.get(path, headers=foreign)).status_code == 404
    assert (await http.get(path, headers=as_(keys, "operator"))).status_code == 403
    assert (await http.get(path, headers={"authorization": ""})).status_code == 401
    assert (await http.get(f"/v1/appointments/{uuid4()}.ics")).status_code == 404
    assert (await http.get("/v1/appointments/monday.ics")).status_code == 422
