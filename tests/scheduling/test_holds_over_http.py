"""/v1/holds over HTTP: kept, booked, given back; refused field by field, with nothing half written."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import pytest_asyncio

from services.scheduling.api.requests import HOLD
from shared.contracts.scheduling import AppointmentBooked, AppointmentReleased
from tests.scheduling import world
from tests.scheduling.asking import as_, fields, post
from tests.scheduling.store import NOW, Store
from tests.scheduling.test_holds import given_back
from tests.scheduling.test_offers import held, offer


@pytest_asyncio.fixture(loop_scope="session")
async def wish(store: Store) -> dict[str, Any]:
    """Noon with a new therapist, for a case whose hour was cancelled."""
    case = await given_back(store)
    therapist = await world.add_therapist(store)
    start = "2026-11-23T12:00:00+05:00"
    return HOLD | {"case_id": str(case.case_id), "therapist_id": str(therapist), "start": start}


async def ask(http: httpx2.AsyncClient, body: Any, key: str | None = None, **headers: str) -> httpx2.Response:
    return await post(http, "/v1/holds", body, **{"idempotency-key": key or str(uuid4())} | headers)


async def test_an_hour_is_held_shown_and_booked_over_http(
    http: httpx2.AsyncClient, store: Store, wish: dict[str, Any]
) -> None:
    made = await ask(http, wish)
    assert (made.status_code, made.json()["state"]) == (201, "held")
    path = made.headers["location"]
    shown = (await http.get(path)).json()
    assert shown == made.json()
    assert shown["held_until"] == "2026-11-23T10:30:00+05:00"
    assert shown["links"] == {"self": path, "confirm": f"{path}/confirm"}
    assert wish["case_id"] not in made.text
    for _ in range(2):
        booked = await post(http, f"{path}/confirm", {})
        assert (booked.status_code, booked.json()["state"]) == (200, "booked")
        assert booked.json()["start"] == wish["start"]
    assert (await http.get(booked.json()["links"]["self"])).json() == booked.json()
    assert (await http.get(path)).json()["links"]["appointment"] == booked.json()["links"]["self"]
    late = await http.delete(path)
    assert (late.status_code, late.json()["code"]) == (409, "already_confirmed")


async def test_the_hour_of_an_offer_is_shown_to_staff_who_can_only_give_it_back(
    http: httpx2.AsyncClient, store: Store
) -> None:
    kept = await held(store, offer(await world.add_therapist(store)))
    path = f"/v1/holds/{kept.appointment_id}"
    shown = (await http.get(path)).json()
    assert (shown["state"], shown["take_by"]) == ("held", "2026-11-23T13:00:00+05:00")
    assert shown["links"] == {"self": path}
    refused = await post(http, f"{path}/confirm", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "offered_to_person")
    assert (await http.delete(path)).json()["reason"] == "given_back"
    assert len(await store.said(AppointmentReleased)) == 1


async def test_a_hold_is_given_back_once_and_its_hour_is_open_again(
    http: httpx2.AsyncClient, store: Store, wish: dict[str, Any]
) -> None:
    asked = {"therapist_id": wish["therapist_id"], "to": "2026-11-23T15:00:00+05:00"}

    async def first_open() -> str:
        (found,) = (await http.get("/v1/slots", params=asked)).json()["therapists"]
        return str(found["slots"][0]["start"])

    path = (await ask(http, wish)).headers["location"]
    assert await first_open() == "2026-11-23T13:15:00+05:00"
    for _ in range(2):
        gone = await http.delete(path)
        assert (gone.status_code, gone.json()["state"], gone.json()["reason"]) == (
            200,
            "released",
            "given_back",
        )
        assert set(gone.json()["links"]) == {"self"}
    assert await first_open() == wish["start"]
    assert len(await store.said(AppointmentReleased)) == 1
    late = await post(http, f"{path}/confirm", {})
    assert (late.status_code, late.json()["code"]) == (409, "already_released")


async def test_an_hour_whose_time_is_up_is_shown_as_released_and_is_open_again(
    http: httpx2.AsyncClient, store: Store, wish: dict[str, Any]
) -> None:
    path = (await ask(http, wish | {"hold_minutes": 1})).headers["location"]
    store.now = NOW + timedelta(minutes=1)
    shown = (await http.get(path)).json()
    assert (shown["state"], shown["reason"]) == ("released", "expired")
    late = await post(http, f"{path}/confirm", {})
    assert (late.status_code, late.json()["code"]) == (409, "hold_expired")
    assert (await http.delete(path)).json()["reason"] == "expired"
    assert (await ask(http, wish | {"start": "2026-11-23T13:00:00+05:00"})).status_code == 201


async def test_a_repeat_is_the_same_hold_and_another_body_is_refused(
    http: httpx2.AsyncClient, store: Store, wish: dict[str, Any]
) -> None:
    first, again = [await ask(http, wish, "one-and-the-same") for _ in range(2)]
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    other = await ask(http, wish | {"hold_minutes": 10}, "one-and-the-same")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    without = await post(http, "/v1/holds", wish)
    assert (without.status_code, fields(without)) == (400, [("Idempotency-Key", "missing_or_malformed")])
    assert await store.count("holds") == 1


async def test_a_refused_hold_names_other_hours_and_its_key_may_be_used_again(
    http: httpx2.AsyncClient, store: Store, wish: dict[str, Any]
) -> None:
    await ask(http, wish)
    second = wish | {"case_id": str((await given_back(store)).case_id)}
    taken = await ask(http, second, "the-second-key")
    assert (taken.status_code, taken.json()["code"]) == (409, "slot_taken")
    assert taken.json()["alternatives"] == [
        f"2026-11-23T{start}:00+00:00" for start in ("08:15", "08:30", "08:45")
    ]
    better = await ask(http, second | {"start": taken.json()["alternatives"][0]}, "the-second-key")
    assert better.status_code == 201


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"case_id": "the first"}, ("/case_id", "uuid_parsing")),
        ({"case_id": str(uuid4())}, ("/case_id", "unknown_case")),
        ({"therapist_id": 7}, ("/therapist_id", "uuid_type")),
        ({"therapist_id": str(uuid4())}, ("/therapist_id", "unknown_therapist")),
        ({"start": "2026-11-23T12:00:00"}, ("/start", "timezone_aware")),
        ({"start": "2026-11-23T12:00:30+05:00"}, ("/start", "off_grid")),
        ({"start": "2026-11-23T12:07:00+05:00"}, ("/start", "off_grid")),
        ({"start": "2026-11-20T12:00:00+05:00"}, ("/start", "in_the_past")),
        ({"start": "9999-12-31T23:45:00Z"}, ("/start", "too_far")),
        ({"modality": "letter"}, ("/modality", "literal_error")),
        ({"modality": "in_person"}, ("/site_id", "missing")),
        ({"site_id": str(uuid4())}, ("/site_id", "not_allowed")),
        ({"modality": "in_person", "site_id": str(uuid4())}, ("/site_id", "unknown_site")),
        ({"modality": "in_person", "site_id": "lahore"}, ("/site_id", "uuid_parsing")),
        ({"hold_minutes": 0}, ("/hold_minutes", "greater_than_equal")),
        ({"hold_minutes": 121}, ("/hold_minutes", "less_than_equal")),
        ({"hold_minutes": "30"}, ("/hold_minutes", "int_type")),
        ({"note": "call her"}, ("/note", "unknown_field")),
    ],
)
async def test_a_hold_is_refused_by_the_field_that_is_wrong(
    http: httpx2.AsyncClient,
    store: Store,
    wish: dict[str, Any],
    change: dict[str, Any],
    field: tuple[str, str],
) -> None:
    before = await store.state()
    answer = await ask(http, wish | change)
    assert (answer.status_code, fields(answer)) == (422, [field])
    assert await store.count("holds") == await store.count("idempotency_keys") == 0
    assert await store.state() == before


async def test_staff_hold_for_their_own_cases_and_therapists_and_others_find_nothing(
    http: httpx2.AsyncClient, keys: Path, store: Store
) -> None:
    case = await given_back(store)
    (before,) = {one.therapist_id for one in await store.said(AppointmentBooked, case_id=case.case_id)}
    elsewhere = await world.add_therapist(store, organisation="humqadam-network")
    body = HOLD | {
        "case_id": str(case.case_id), "therapist_id": str(before), "start": "2026-11-23T12:00:00+05:00"
    }  # fmt: skip
    own_desk = as_(keys, "clinic_desk", organisation="rehmat-hospital")
    own_therapist = as_(keys, "therapist", str(before))
    for foreign, field in (
        (as_(keys, "clinic_desk", organisation="humqadam-network"), "/case_id"),
        (as_(keys, "clinic_desk"), "/case_id"),
        (as_(keys, "therapist", str(elsewhere)), "/case_id"),
    ):
        assert [where for where, _ in fields(await ask(http, body, **foreign))] == [field]
    to_others = await ask(http, body | {"therapist_id": str(elsewhere)}, **own_desk)
    assert fields(to_others) == [("/therapist_id", "unknown_therapist")]
    for role in ("person", "participant", "operator", "partner"):
        assert (await ask(http, body, **as_(keys, role))).status_code == 403
    assert (await ask(http, body, authorization="")).status_code == 401

    path = (await ask(http, body, **own_therapist)).headers["location"]
    for mine in (own_desk, own_therapist, as_(keys, "coordinator")):
        assert (await http.get(path, headers=mine)).status_code == 200
    for foreign in (as_(keys, "therapist", str(elsewhere)), as_(keys, "clinic_desk", organisation="x")):
        assert (await http.get(path, headers=foreign)).status_code == 404
        assert (await http.delete(path, headers=foreign)).status_code == 404
        assert (await post(http, f"{path}/confirm", {}, **foreign)).status_code == 404
    assert (await http.get(f"/v1/holds/{uuid4()}")).status_code == 404
    assert (await http.get("/v1/holds/the-first")).status_code == 422
    assert (await post(http, f"{path}/confirm", {}, **own_therapist)).json()["state"] == "booked"
    said = [one.by for one in await store.said(AppointmentBooked) if str(one.appointment_id) in path]
    assert said == ["therapist"]
