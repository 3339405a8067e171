"""Places, calendars, open hours and appointments over HTTP: refused field by field, with nothing half written."""

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
import pytest_asyncio

from services.scheduling.api.requests import CALENDAR, SITE
from services.scheduling.handlers.matches import book_matches
from shared.contracts.scheduling import AppointmentCancelled, AppointmentRescheduled, SiteChanged
from tests.scheduling import world
from tests.scheduling.asking import as_, fields, post, put, token
from tests.scheduling.store import Store

TRACE = "00-" + "1" * 32 + "-" + "2" * 16 + "-01"


@pytest_asyncio.fixture(loop_scope="session")
async def booked(store: Store) -> dict[str, Any]:
    """Monday 12:00 in Karachi, online; the case's id and the therapist's beside what was said."""
    therapist = await world.add_therapist(store)
    made = world.match(therapist)
    await store.handle(book_matches, [made])
    (row,) = await store.admin.fetch("SELECT appointment_id FROM scheduling.appointments")
    path = f"/v1/appointments/{row['appointment_id']}"
    return {"path": path, "case_id": str(made.case_id), "therapist_id": str(therapist)}


async def test_a_site_a_room_and_a_calendar_are_written_told_and_read_again(
    http: httpx2.AsyncClient, store: Store
) -> None:
    site, room, therapist = uuid4(), uuid4(), uuid4()
    first = await put(http, f"/v1/sites/{site}", SITE, traceparent=TRACE)
    assert (first.status_code, first.headers["etag"], first.json()["version"]) == (200, '"1"', 1)
    assert (await put(http, f"/v1/rooms/{room}", {"site_id": str(site)})).status_code == 200
    rules = [{"day": 2, "start": "09:00", "end": "13:00", "lane": "in_person", "site_id": str(site)}]
    written = await put(http, f"/v1/calendars/{therapist}", CALENDAR | {"rules": rules})
    assert written.status_code == 200
    for path, answer in ((f"/v1/sites/{site}", first), (f"/v1/calendars/{therapist}", written)):
        assert (await http.get(path)).json() == answer.json()
    assert (await http.get(f"/v1/rooms/{room}")).json() == {
        "room_id": str(room), "site_id": str(site), "status": "open", "version": 1,
    }  # fmt: skip
    assert [event.site_id for event in await store.said(SiteChanged)] == [site]
    (said,) = await store.admin.fetch("SELECT traceparent FROM scheduling.outbox")
    assert said["traceparent"][3:35] == TRACE[3:35]


async def test_the_same_again_changes_nothing_and_a_change_must_name_what_was_seen(
    http: httpx2.AsyncClient, store: Store
) -> None:
    path = f"/v1/sites/{uuid4()}"
    for _ in range(3):
        assert (await put(http, path, SITE)).headers["etag"] == '"1"'
    assert len(await store.said(SiteChanged)) == 1
    closed = SITE | {"status": "closed"}
    assert (await put(http, path, closed)).status_code == 428
    assert (await put(http, path, closed, **{"if-match": '"1"'})).headers["etag"] == '"2"'
    stale = await put(http, path, SITE, **{"if-match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
    unread = await put(http, path, SITE, **{"if-match": "W/yesterday"})
    assert (unread.status_code, fields(unread)) == (422, [("If-Match", "not_a_version")])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"surprise": 1}, ("/surprise", "unknown_field")),
        ({"latitude": 91}, ("/latitude", "less_than_equal")),
        ({"latitude": "31.5"}, ("/latitude", "float_type")),
        ({"organisation": "Rehmat Hospital"}, ("/organisation", "string_pattern_mismatch")),
        ({"city": "Lahore\u202e"}, ("/city", "control_characters")),
        ({"city": "L" * 81}, ("/city", "too_long")),
        ({"time_zone": "Asia/Lahore"}, ("/time_zone", "unknown_zone")),
        ({"directions": {"en": "x" * 201}}, ("/directions/en", "too_long")),
        ({"status": "busy"}, ("/status", "literal_error")),
    ],
)
async def test_a_site_is_refused_by_the_field_that_is_wrong(
    http: httpx2.AsyncClient, store: Store, change: dict[str, Any], field: tuple[str, str]
) -> None:
    answer = await put(http, f"/v1/sites/{uuid4()}", SITE | change)
    assert (answer.status_code, fields(answer)) == (422, [field])
    assert await store.count("sites") == await store.count("outbox") == 0


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"start": "09:10"}, ("/rules/0/start", "off_grid")),
        ({"end": "09:00"}, ("/rules/0/end", "end_before_start")),
        ({"day": 8}, ("/rules/0/day", "less_than_equal")),
        ({"start": "25:00"}, ("/rules/0/start", "string_pattern_mismatch")),
        ({"lane": "crisis"}, ("/rules/0/lane", "literal_error")),
        ({"lane": "in_person"}, ("/rules/0/site_id", "missing")),
        ({"lane": "in_person", "site_id": str(uuid4())}, ("/rules/0/site_id", "unknown_site")),
        ({"site_id": str(uuid4())}, ("/rules/0/site_id", "not_allowed")),
    ],
)
async def test_a_calendar_is_refused_by_the_rule_that_is_wrong(
    http: httpx2.AsyncClient, store: Store, rule: dict[str, Any], field: tuple[str, str]
) -> None:
    usual = {"day": 1, "start": "09:00", "end": "17:00", "lane": "online"}
    answer = await put(http, f"/v1/calendars/{uuid4()}", CALENDAR | {"rules": [usual | rule]})
    assert (answer.status_code, fields(answer)) == (422, [field])
    assert await store.count("calendars") == await store.count("rules") == 0


async def test_every_fault_of_a_calendar_is_named_at_once(http: httpx2.AsyncClient) -> None:
    rule = {"day": 1, "start": "09:00", "end": "17:00", "lane": "online"}
    wrong = CALENDAR | {"time_zone": "Mars/Olympus", "rules": [rule, rule | {"start": "10:05"}]}
    answer = await put(http, f"/v1/calendars/{uuid4()}", wrong)
    assert fields(answer) == [
        ("/time_zone", "unknown_zone"),
        ("/rules/1/start", "off_grid"),
        ("/rules/1", "overlapping_rules"),
    ]


async def test_only_coordinators_write_places_and_therapists_their_own_calendar(
    http: httpx2.AsyncClient, keys: Path
) -> None:
    own = uuid4()
    for role in ("person", "therapist", "clinic_desk", "operator"):
        assert (await put(http, f"/v1/sites/{uuid4()}", SITE, **as_(keys, role))).status_code == 403
    for subject, status in ((str(own), 200), (str(uuid4()), 403)):
        body = CALENDAR | {"rules": []}
        answer = await put(http, f"/v1/calendars/{own}", body, **as_(keys, "therapist", subject))
        assert answer.status_code == status


async def test_an_appointment_is_shown_to_those_it_concerns_and_does_not_exist_for_others(
    http: httpx2.AsyncClient, keys: Path, booked: dict[str, Any]
) -> None:
    person = as_(keys, "person", case_id=booked["case_id"])
    answer = await http.get(booked["path"], headers=person)
    assert answer.json()["start"] == "2026-11-23T12:00:00+05:00"
    assert answer.headers["etag"] == '"1"'
    assert booked["case_id"] not in answer.text
    for mine in (
        as_(keys, "coordinator"),
        as_(keys, "therapist", booked["therapist_id"]),
        as_(keys, "clinic_desk", organisation="rehmat-hospital"),
    ):
        assert (await http.get(booked["path"], headers=mine)).status_code == 200
    for foreign in (
        as_(keys, "person", case_id=str(uuid4())),
        as_(keys, "therapist", str(uuid4())),
        as_(keys, "clinic_desk", organisation="humqadam-network"),
    ):
        assert (await http.get(booked["path"], headers=foreign)).status_code == 404
        assert (await post(http, f"{booked['path']}/cancel", {}, **foreign)).status_code == 404
    assert (await http.get(booked["path"], headers=as_(keys, "operator"))).status_code == 403


async def test_a_missing_an_expired_and_a_forged_token_are_refused(
    http: httpx2.AsyncClient, keys: Path, booked: dict[str, Any]
) -> None:
    expired = token(keys, "coordinator", minutes=-5)
    for said, code in (("", "token_missing"), (expired, "token_expired"), (expired[:-4], "token_invalid")):
        answer = await http.get(booked["path"], headers={"authorization": f"Bearer {said}"})
        assert (answer.status_code, answer.json()["code"]) == (401, code)


async def test_a_person_gives_an_hour_back_once_and_says_why(
    http: httpx2.AsyncClient, keys: Path, store: Store, booked: dict[str, Any]
) -> None:
    person = as_(keys, "person", case_id=booked["case_id"])
    cancel = f"{booked['path']}/cancel"
    assert (await post(http, cancel, {"reason": "cannot_come"}, **person)).status_code == 428
    stale = await post(http, cancel, {}, **person, **{"if-match": '"7"'})
    assert stale.status_code == 412
    wrong = await post(http, cancel, {"reason": "I feel worse"}, **person, **{"if-match": '"1"'})
    assert (wrong.status_code, fields(wrong)) == (422, [("/reason", "literal_error")])
    assert await store.said(AppointmentCancelled) == []
    for _ in range(2):
        gone = await post(http, cancel, {"reason": "cannot_come"}, **person, **{"if-match": '"1"'})
        assert (gone.status_code, gone.json()["state"], gone.headers["etag"]) == (200, "cancelled", '"2"')
        assert set(gone.json()["links"]) == {"self", "calendar"}
    (said,) = await store.said(AppointmentCancelled)
    assert (said.by, said.reason, said.version) == ("person", "cannot_come", 2)
    again = await post(http, f"{booked['path']}/reschedule", {"start": "2026-11-24T10:00:00+05:00"}, **person,
                       **{"if-match": '"2"'})  # fmt: skip
    assert (again.status_code, again.json()["code"]) == (409, "already_cancelled")


async def test_a_person_moves_an_hour_or_hears_which_others_are_free(
    http: httpx2.AsyncClient, keys: Path, store: Store, booked: dict[str, Any]
) -> None:
    person = as_(keys, "person", case_id=booked["case_id"]) | {"if-match": '"1"'}
    other = world.match(UUID(booked["therapist_id"]))
    await store.handle(book_matches, [other])
    move = f"{booked['path']}/reschedule"
    for start, field in (
        ("2026-11-24T10:07:00+05:00", "off_grid"),
        ("2026-11-24T10:00:30+05:00", "off_grid"),
        ("2026-11-20T10:00:00+05:00", "in_the_past"),
        ("2027-11-24T10:00:00+05:00", "too_far"),
        ("2026-11-24T10:00:00", "timezone_aware"),
    ):
        answer = await post(http, move, {"start": start}, **person)
        assert (answer.status_code, fields(answer)) == (422, [("/start", field)])
    taken = await post(http, move, {"start": "2026-11-23T13:15:00+05:00"}, **person)
    assert (taken.status_code, taken.json()["code"]) == (409, "slot_taken")
    assert taken.json()[
        "alternatives"
    ] == [  # after the other, whose hour ends at 14:05 and who has buffers too
        f"2026-11-23T{start}:00+00:00" for start in ("09:30", "09:45", "10:00")
    ]
    moved = await post(http, move, {"start": taken.json()["alternatives"][-1]}, **person)
    assert (moved.status_code, moved.headers["etag"]) == (200, '"2"')
    (said,) = await store.said(AppointmentRescheduled)
    assert (said.by, said.version) == ("person", 2)
    assert said.previous_start.isoformat() == "2026-11-23T07:00:00+00:00"


async def test_nonsense_instead_of_a_body_an_id_or_json_gets_a_clear_answer(
    http: httpx2.AsyncClient, booked: dict[str, Any]
) -> None:
    broken = await http.put(f"/v1/sites/{uuid4()}", content=b"{")
    assert (broken.status_code, broken.json()["code"]) == (400, "broken_json")
    huge = await http.put(f"/v1/sites/{uuid4()}", content=b" " * 10_000_000)
    assert huge.status_code == 413
    text = await http.put(f"/v1/sites/{uuid4()}", content=b"{}", headers={"content-type": "text/plain"})
    assert text.status_code == 415
    assert (await put(http, "/v1/sites/the-one-in-lahore", SITE)).status_code == 422
    assert (await http.get(f"/v1/appointments/{uuid4()}")).status_code == 404
    assert (await http.delete(booked["path"])).status_code == 405
