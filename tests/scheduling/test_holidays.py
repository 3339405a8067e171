"""Public holidays: closed only when somebody has seen the notification, and never at the cost of what is booked."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from services.scheduling.api.holidays import HOLIDAY
from services.scheduling.domain.holidays import suggested
from services.scheduling.settings import read_almanac
from shared.contracts.scheduling import AppointmentBooked, AppointmentCancelled
from tests.scheduling import world
from tests.scheduling.asking import as_, fields, put
from tests.scheduling.reference import minute, rule
from tests.scheduling.store import NOW, Store
from tests.scheduling.test_exceptions import hours, slots, write

TODAY, TOMORROW = "2026-11-23", "2026-11-24"
PATH = "/v1/holidays/eid-2026"
TENTATIVE = HOLIDAY | {"first_day": TODAY, "last_day": TODAY}
CONFIRMED = TENTATIVE | {"status": "confirmed", "verified_on": TODAY}
NOONS = [rule(day, "12:00", "13:00") for day in (1, 2)]
BOTH = ["2026-11-23T12:00", "2026-11-24T12:00"]


async def test_a_holiday_closes_the_rules_when_it_is_confirmed_and_not_before(
    http: httpx2.AsyncClient, store: Store
) -> None:
    therapist = await world.add_therapist(store, NOONS)
    assert await slots(http, therapist) == BOTH
    assert (await put(http, PATH, TENTATIVE)).headers["etag"] == '"1"'
    assert await slots(http, therapist) == BOTH
    assert (await put(http, PATH, CONFIRMED, **{"if-match": '"1"'})).headers["etag"] == '"2"'
    assert await slots(http, therapist) == BOTH[1:]
    # The moon was seen a day later.
    moved = CONFIRMED | {"first_day": TOMORROW, "last_day": TOMORROW}
    assert (await put(http, PATH, moved, **{"if-match": '"2"'})).status_code == 200
    assert await slots(http, therapist) == BOTH[:1]
    await store.hear(world.match(therapist), world.match(therapist, latest=NOW + timedelta(days=3)))
    assert [world.local(one.start) for one in await store.said(AppointmentBooked)] == ["Mon 12:00"]
    cancelled = moved | {"status": "cancelled"}
    assert (await put(http, PATH, cancelled, **{"if-match": '"3"'})).status_code == 200
    assert await slots(http, therapist) == BOTH[1:]


async def test_whoever_works_on_a_holiday_says_so_with_extra_hours(
    http: httpx2.AsyncClient, store: Store
) -> None:
    therapist = await world.add_therapist(store, NOONS)
    await write(store, therapist, hours("extra_hours", 0, "16:00", "17:00", lane="online"))
    await put(http, PATH, CONFIRMED | {"last_day": TOMORROW})
    assert await slots(http, therapist) == ["2026-11-23T16:00"]


async def test_a_holiday_is_one_of_its_zone(http: httpx2.AsyncClient, store: Store) -> None:
    elsewhere = await world.add_therapist(store, NOONS, time_zone="Europe/London")
    await put(http, PATH, CONFIRMED)
    assert (await slots(http, elsewhere))[0] == "2026-11-23T12:00"
    late = await world.add_therapist(store, NOONS)  # a calendar that is made when the holiday stands
    assert await slots(http, late) == BOTH[1:]


async def test_what_is_booked_on_a_holiday_stays_and_is_named(http: httpx2.AsyncClient, store: Store) -> None:
    therapists = [await world.add_therapist(store, NOONS) for _ in range(2)]
    for one in (*therapists, therapists[0]):
        await store.hear(world.match(one))
    assert (await put(http, PATH, TENTATIVE)).json()["booked_outside"] == []
    named = (await put(http, PATH, CONFIRMED, **{"if-match": '"1"'})).json()["booked_outside"]
    assert sorted(one["therapist_id"] for one in named) == sorted(map(str, therapists))
    assert {one["start"] for one in named} == {"2026-11-23T12:00:00+05:00"}
    again = await put(http, PATH, CONFIRMED)
    assert (again.headers["etag"], again.json()["booked_outside"]) == ('"2"', named)
    assert await store.said(AppointmentCancelled) == []


async def test_what_is_printed_in_calendars_is_suggested_until_somebody_enters_it(
    http: httpx2.AsyncClient, store: Store
) -> None:
    before = (await http.get("/v1/holidays")).json()
    assert before["holidays"] == []
    assert [one["holiday_id"] for one in before["suggested"]][:3] == [
        "quaid-e-azam-day-2026", "kashmir-day-2027", "eid-al-fitr-2027",
    ]  # fmt: skip
    assert {(one["status"], one["verified_on"]) for one in before["suggested"]} == {("tentative", None)}
    entered = HOLIDAY | {"first_day": "2027-03-11", "last_day": "2027-03-13"}
    assert (await put(http, "/v1/holidays/eid-al-fitr-2027", entered)).status_code == 200
    after = (await http.get("/v1/holidays")).json()
    assert [(one["holiday_id"], one["version"]) for one in after["holidays"]] == [("eid-al-fitr-2027", 1)]
    assert "eid-al-fitr-2027" not in [one["holiday_id"] for one in after["suggested"]]
    store.now = NOW + timedelta(days=120)
    assert (await http.get("/v1/holidays")).json()["holidays"] == []


def test_every_printed_holiday_is_suggested_once_a_year() -> None:
    almanac = read_almanac()
    found = suggested(almanac, [], minute(2027, 1, 1))
    assert len(found) == len(almanac.every_year) + len(almanac.once)
    assert len({one.id for one in found}) == len(found)
    assert suggested(almanac, [one.id for one in found], minute(2027, 1, 1)) == []
    assert all(date(2027, 1, 1) <= one.first_day <= one.last_day < date(2028, 1, 2) for one in found)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, ("/name", "too_short")),
        ({"name": "E" * 81}, ("/name", "too_long")),
        ({"first_day": "2026-13-01"}, ("/first_day", "date_parsing")),
        ({"first_day": "2029-01-01", "last_day": "2029-01-01"}, ("/first_day", "too_far")),
        ({"last_day": "2026-11-22"}, ("/last_day", "end_before_start")),
        ({"last_day": "2026-12-07"}, ("/last_day", "too_long")),
        ({"first_day": "2026-11-20", "last_day": "2026-11-21"}, ("/last_day", "in_the_past")),
        ({"time_zone": "Asia/Lahore"}, ("/time_zone", "unknown_zone")),
        ({"status": "rumoured"}, ("/status", "literal_error")),
        ({"source": ""}, ("/source", "too_short")),
        ({"source": "moon\u202e"}, ("/source", "control_characters")),
        ({"status": "confirmed"}, ("/verified_on", "missing")),
        ({"verified_on": "2026-11-24"}, ("/verified_on", "in_the_future")),
        ({"verified_on": "today"}, ("/verified_on", "date_parsing")),
        ({"region": "PK-PB"}, ("/region", "unknown_field")),
    ],
)
async def test_a_holiday_is_refused_by_the_field_that_is_wrong(
    http: httpx2.AsyncClient, store: Store, change: dict[str, Any], field: tuple[str, str]
) -> None:
    answer = await put(http, PATH, TENTATIVE | change)
    assert (answer.status_code, fields(answer)) == (422, [field])
    assert await store.count("holidays") == 0


async def test_a_holiday_without_a_source_is_refused(http: httpx2.AsyncClient) -> None:
    without = {name: value for name, value in TENTATIVE.items() if name != "source"}
    assert fields(await put(http, PATH, without)) == [("/source", "missing")]


async def test_coordinators_enter_holidays_and_everybody_may_look(
    http: httpx2.AsyncClient, keys: Path, store: Store
) -> None:
    for role in ("person", "therapist", "clinic_desk", "operator"):
        assert (await put(http, PATH, TENTATIVE, **as_(keys, role))).status_code == 403
        assert (await http.get("/v1/holidays", headers=as_(keys, role))).status_code == 200
    assert (await http.get("/v1/holidays", headers={"authorization": ""})).status_code == 401
    assert (await put(http, PATH, TENTATIVE)).status_code == 200
    assert (await put(http, PATH, CONFIRMED)).status_code == 428
    assert (await put(http, PATH, CONFIRMED, **{"if-match": '"2"'})).status_code == 412
    assert (await put(http, "/v1/holidays/Eid%20al-Fitr", TENTATIVE)).status_code == 422
