"""Sites that are closed on some days: nobody is booked there, and who is already booked is named."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from services.scheduling.api.closures import PAINTING
from services.scheduling.api.requests import SITE
from shared.contracts.scheduling import AppointmentBooked, AppointmentCancelled, SlotNotFound
from tests.scheduling import world
from tests.scheduling.asking import as_, fields, put
from tests.scheduling.reference import rule
from tests.scheduling.store import NOW, Store
from tests.scheduling.test_exceptions import hours, slots, write

TODAY, TOMORROW = "2026-11-23", "2026-11-24"
CLOSED_TODAY = {"first_day": TODAY, "last_day": TODAY}


async def at_a_site(store: Store) -> tuple[UUID, UUID, str]:
    """A site, a therapist who is there at noon on Mondays and Tuesdays, and where its closures are."""
    site = await world.add_site(store)
    therapist = await world.add_therapist(
        store, [rule(day, "12:00", "13:00", site) for day in (1, 2)], horizon=5
    )
    return site, therapist, f"/v1/sites/{site}/closures"


async def test_nobody_is_booked_at_a_closed_site_and_online_goes_on(
    http: httpx2.AsyncClient, store: Store
) -> None:
    site = await world.add_site(store)
    therapist = await world.add_therapist(
        store, [rule(1, "12:00", "13:00", site), rule(1, "14:00", "15:00")], horizon=5
    )
    saved = await put(http, f"/v1/sites/{site}/closures/{uuid4()}", CLOSED_TODAY)
    assert (saved.status_code, saved.headers["etag"], saved.json()["time_zone"]) == (
        200,
        '"1"',
        "Asia/Karachi",
    )
    assert await slots(http, therapist, lane="in_person") == []
    await store.hear(world.match((therapist, site)))
    await store.hear(world.match(therapist))
    assert len(await store.said(SlotNotFound)) == 1
    assert [world.local(one.start) for one in await store.said(AppointmentBooked)] == ["Mon 14:00"]


async def test_a_closure_is_stronger_than_extra_hours(http: httpx2.AsyncClient, store: Store) -> None:
    site, therapist, path = await at_a_site(store)
    await put(http, f"{path}/{uuid4()}", CLOSED_TODAY | {"start": "11:00"})
    extra = {"lane": "in_person", "site_id": site}
    await write(store, therapist, hours("extra_hours", 0, "10:00", "20:00", **extra))
    assert await slots(http, therapist, lane="in_person") == ["2026-11-24T12:00"]


async def test_a_closure_is_told_by_the_clock_of_its_site_also_when_that_is_changed(
    http: httpx2.AsyncClient, store: Store
) -> None:
    site = await world.add_site(store)
    therapist = await world.add_therapist(store, [rule(1, "12:00", "15:00", site)], horizon=5)
    noon = CLOSED_TODAY | {"start": "12:00", "end": "13:00"}
    await put(http, f"/v1/sites/{site}/closures/{uuid4()}", noon)
    assert (await slots(http, therapist, lane="in_person"))[0] == "2026-11-23T13:00"
    in_dubai = SITE | {"time_zone": "Asia/Dubai"}  # noon there is 13:00 in Karachi
    assert (await put(http, f"/v1/sites/{site}", in_dubai, **{"if-match": '"1"'})).status_code == 200
    assert await slots(http, therapist, lane="in_person") == [
        "2026-11-23T12:00",
        "2026-11-23T14:00",
    ]


async def test_a_closure_that_changes_or_is_taken_back_is_followed_at_once(
    http: httpx2.AsyncClient, store: Store
) -> None:
    _, therapist, path = await at_a_site(store)
    one = f"{path}/{uuid4()}"
    for _ in range(2):
        assert (await put(http, one, CLOSED_TODAY)).headers["etag"] == '"1"'
    assert await slots(http, therapist, lane="in_person") == ["2026-11-24T12:00"]
    longer = CLOSED_TODAY | {"last_day": TOMORROW}
    assert (await put(http, one, longer)).status_code == 428
    assert (await put(http, one, longer, **{"if-match": '"4"'})).status_code == 412
    assert (await put(http, one, longer, **{"if-match": '"1"'})).headers["etag"] == '"2"'
    assert await slots(http, therapist, lane="in_person") == []
    shown = (await http.get(path)).json()
    assert [(each["last_day"], each["version"]) for each in shown["closures"]] == [(TOMORROW, 2)]
    assert (await http.delete(one)).status_code == 428
    for _ in range(2):
        gone = await http.delete(one, headers={"if-match": '"2"'})
        assert (gone.status_code, gone.json()["state"]) == (200, "withdrawn")
    assert len(await slots(http, therapist, lane="in_person")) == 2
    assert (await http.get(path)).json()["closures"] == []
    late = await put(http, one, CLOSED_TODAY)
    assert (late.status_code, late.json()["code"]) == (409, "already_withdrawn")


async def test_what_is_booked_at_a_closed_site_stays_and_is_named(
    http: httpx2.AsyncClient, store: Store
) -> None:
    site, therapist, path = await at_a_site(store)
    for _ in range(2):
        await store.hear(world.match((therapist, site)))
    saved = (await put(http, f"{path}/{uuid4()}", CLOSED_TODAY)).json()
    assert [(one["therapist_id"], one["start"]) for one in saved["booked_outside"]] == [
        (str(therapist), "2026-11-23T12:00:00+05:00")
    ]
    assert await store.said(AppointmentCancelled) == []


async def test_a_calendar_that_comes_later_has_the_closures_of_its_sites(
    http: httpx2.AsyncClient, store: Store
) -> None:
    site, _, path = await at_a_site(store)
    await put(http, f"{path}/{uuid4()}", CLOSED_TODAY)
    late = await world.add_therapist(store, [rule(1, "12:00", "13:00", site)])
    assert await slots(http, late, lane="in_person") == []


async def test_a_closure_is_in_the_wall_time_of_the_site(http: httpx2.AsyncClient, store: Store) -> None:
    site, therapist, path = await at_a_site(store)
    dubai = await world.add_therapist(store, [rule(1, "12:00", "14:00", site)], time_zone="Asia/Dubai")
    await put(http, f"{path}/{uuid4()}", CLOSED_TODAY | {"start": "14:00"})
    assert (await slots(http, dubai, lane="in_person")) == ["2026-11-23T12:00"]  # 13:00 to 13:50 at the site
    assert (await slots(http, therapist, lane="in_person"))[0] == "2026-11-23T12:00"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"first_day": "soon"}, ("/first_day", "date_parsing")),
        ({"last_day": "2026-12-01"}, ("/last_day", "end_before_start")),
        ({"first_day": "2026-11-01", "last_day": "2026-11-22"}, ("/last_day", "in_the_past")),
        ({"last_day": "2027-12-31"}, ("/last_day", "too_long")),
        ({"first_day": "2029-01-01", "last_day": "2029-01-01"}, ("/first_day", "too_far")),
        ({"start": "09:10"}, ("/start", "off_grid")),
        ({"end": "25:00"}, ("/end", "string_pattern_mismatch")),
        ({"start": "13:00", "end": "13:00"}, ("/end", "end_before_start")),
        ({"reason": "police"}, ("/reason", "unknown_field")),
    ],
)
async def test_a_closure_is_refused_by_the_field_that_is_wrong(
    http: httpx2.AsyncClient, store: Store, change: dict[str, Any], field: tuple[str, str]
) -> None:
    site = await world.add_site(store)
    answer = await put(http, f"/v1/sites/{site}/closures/{uuid4()}", PAINTING | change)
    assert (answer.status_code, fields(answer)) == (422, [field])
    assert await store.count("site_closures") == 0


async def test_coordinators_close_a_site_that_exists_and_everybody_may_look(
    http: httpx2.AsyncClient, keys: Path, store: Store
) -> None:
    path = f"/v1/sites/{await world.add_site(store)}/closures"
    for role in ("person", "therapist", "clinic_desk", "operator"):
        assert (await put(http, f"{path}/{uuid4()}", PAINTING, **as_(keys, role))).status_code == 403
        assert (await http.get(path, headers=as_(keys, role))).status_code == 200
    assert (await http.get(path, headers={"authorization": ""})).status_code == 401
    nowhere = f"/v1/sites/{uuid4()}/closures"
    assert (await http.get(nowhere)).status_code == 404
    assert (await put(http, f"{nowhere}/{uuid4()}", PAINTING)).status_code == 404
    assert (await http.delete(f"{path}/{uuid4()}", headers={"if-match": '"1"'})).status_code == 404
    assert (await put(http, f"{path}/the-first", PAINTING)).status_code == 422
    store.now = NOW + timedelta(days=60)
    assert (await http.get(path)).json()["closures"] == []


@pytest.mark.parametrize("whole_site", [True, False])
async def test_whoever_closes_a_site_or_a_room_for_good_is_told_what_is_booked_there(
    http: httpx2.AsyncClient, store: Store, whole_site: bool
) -> None:
    site, therapist, _ = await at_a_site(store)
    elsewhere, _, _ = await at_a_site(store)
    other = await world.add_therapist(store, [rule(1, "12:00", "13:00", elsewhere)])
    await store.hear(world.match((therapist, site)), world.match((other, elsewhere)))
    (room,) = await store.rows(f"SELECT room_id FROM scheduling.rooms WHERE site_id = '{site}'")
    path, body = f"/v1/rooms/{room['room_id']}", {"site_id": str(site)}
    if whole_site:
        path, body = f"/v1/sites/{site}", SITE
    closed = await put(http, path, body | {"status": "closed"}, **{"if-match": '"1"'})
    (left,) = closed.json()["booked_outside"]
    assert (left["site_id"], left["therapist_id"]) == (str(site), str(therapist))
    assert (await http.get(left["links"]["self"])).json()["state"] == "booked"
    again = await put(http, path, body | {"status": "closed"}, **{"if-match": '"2"'})
    assert again.json() == closed.json()
    reopened = await put(http, path, body | {"status": "open"}, **{"if-match": '"2"'})
    assert "booked_outside" not in reopened.json()
