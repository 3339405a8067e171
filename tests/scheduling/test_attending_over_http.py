"""Staff say over HTTP what became of an hour: with the version they saw, of their own, and in its time."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import pytest_asyncio

from shared.contracts.scheduling import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentCorrected,
    AppointmentFulfilled,
    AppointmentNoShow,
)
from tests.scheduling import world
from tests.scheduling.asking import as_, fields, post
from tests.scheduling.store import Store

STEPS = ("confirm", "arrive", "fulfil", "no-show", "undo")


@pytest_asyncio.fixture(loop_scope="session")
async def hour(store: Store) -> AppointmentBooked:
    """An hour online that begins now."""
    made = world.match(await world.add_therapist(store))
    await store.hear(made)
    (booked,) = await store.said(AppointmentBooked)
    store.now = booked.start
    return booked


def path(hour: Any, step: str = "") -> str:
    return f"/v1/appointments/{hour.appointment_id}{step and '/'}{step}"


async def test_a_session_is_followed_from_the_booking_to_its_end_by_the_links(
    http: httpx2.AsyncClient, store: Store, keys: Path, hour: AppointmentBooked
) -> None:
    desk = as_(keys, "clinic_desk", organisation=hour.organisation)
    stands = await http.get(path(hour), headers=desk)
    for step, state in (("arrive", "arrived"), ("fulfil", "fulfilled")):
        link = stands.json()["links"][step]
        stands = await post(http, link, {}, **desk, **{"if-match": stands.headers["etag"]})
        assert (stands.status_code, stands.json()["state"]) == (200, state)
    assert stands.headers["etag"] == '"3"'
    assert set(stands.json()["links"]) == {"self", "calendar"}
    assert len(await store.said(AppointmentFulfilled)) == 1


async def test_who_does_not_come_is_told_as_such_and_sent_twice_it_is_told_once(
    http: httpx2.AsyncClient, store: Store, keys: Path, hour: AppointmentBooked
) -> None:
    therapist = as_(keys, "therapist", str(hour.therapist_id))
    for _ in range(2):
        missed = await post(http, path(hour, "no-show"), {}, **therapist, **{"if-match": '"1"'})
        assert (missed.status_code, missed.json()["state"], missed.headers["etag"]) == (200, "no_show", '"2"')
    (said,) = await store.said(AppointmentNoShow)
    assert said.by == "therapist"
    late = await post(http, path(hour, "arrive"), {}, **therapist, **{"if-match": '"2"'})
    assert (late.status_code, late.json()["code"]) == (409, "already_no_show")


async def test_too_early_is_told_with_the_moment_from_which_it_is_possible(
    http: httpx2.AsyncClient, store: Store, hour: AppointmentBooked
) -> None:
    store.now = hour.start - timedelta(days=1)
    for step, first in (("no-show", hour.start), ("arrive", hour.start - timedelta(hours=12))):
        early = await post(http, path(hour, step), {}, **{"if-match": '"1"'})
        assert (early.status_code, early.json()["code"]) == (409, "too_early")
        assert early.json()["possible_from"] == first.isoformat()
    assert await store.said(AppointmentNoShow) == []


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_is_refused_to_whoever_may_not_or_has_not_seen(
    http: httpx2.AsyncClient, store: Store, keys: Path, hour: AppointmentBooked, step: str
) -> None:
    await store.admin.execute("UPDATE scheduling.appointments SET certainty = 'provisional'")
    before, seen = await store.state(), {"if-match": '"1"'}
    answers = {
        401: [await post(http, path(hour, step), {}, **seen, authorization="Bearer nobody")],
        403: [
            await post(http, path(hour, step), {}, **seen, **as_(keys, role, case_id=str(hour.case_id)))
            for role in ("person", "participant", "guardian", "operator", "partner", "supervisor")
        ],
        404: [
            await post(http, path(hour, step), {}, **seen, **as_(keys, "therapist", str(uuid4()))),
            await post(http, path(hour, step), {}, **seen, **as_(keys, "clinic_desk", organisation="other")),
            await post(http, f"/v1/appointments/{uuid4()}/{step}", {}, **seen),
        ],
        412: [await post(http, path(hour, step), {}, **{"if-match": '"7"'})],
        428: [await post(http, path(hour, step), {})],
        422: [
            await post(http, path(hour, step), {}, **{"if-match": "yesterday"}),
            await post(http, f"/v1/appointments/monday/{step}", {}, **seen),
        ],
        405: [await http.delete(path(hour, step))],
    }
    assert {status: {one.status_code for one in some} for status, some in answers.items()} == {
        status: {status} for status in answers
    }
    assert fields(answers[422][0]) == [("If-Match", "not_a_version")]
    assert await store.state() == before


async def test_a_slip_is_taken_back_by_its_link_and_said_rightly_then(
    http: httpx2.AsyncClient, store: Store, keys: Path, hour: AppointmentBooked
) -> None:
    desk = as_(keys, "clinic_desk", organisation=hour.organisation)
    stands = await post(http, path(hour, "no-show"), {}, **desk, **{"if-match": '"1"'})
    for step, state in (("undo", "booked"), ("arrive", "arrived")):
        link = stands.json()["links"][step]
        stands = await post(http, link, {}, **desk, **{"if-match": stands.headers["etag"]})
        assert (stands.status_code, stands.json()["state"]) == (200, state)
    assert stands.headers["etag"] == '"4"'
    (said,) = await store.said(AppointmentCorrected)
    assert (said.version, said.by, said.mistaken) == (3, "clinic", "no_show")


async def test_what_cannot_be_taken_back_is_told_as_why(
    http: httpx2.AsyncClient, store: Store, hour: AppointmentBooked
) -> None:
    nothing = await post(http, path(hour, "undo"), {}, **{"if-match": '"1"'})
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_to_undo")
    await post(http, path(hour, "no-show"), {}, **{"if-match": '"1"'})
    store.now += timedelta(minutes=61)
    late = await post(http, path(hour, "undo"), {}, **{"if-match": '"2"'})
    assert (late.status_code, late.json()["code"]) == (409, "too_late")
    assert await store.said(AppointmentCorrected) == []


async def test_staff_move_an_hour_provisionally_and_confirm_it(
    http: httpx2.AsyncClient, store: Store, keys: Path, hour: AppointmentBooked
) -> None:
    store.now = hour.start - timedelta(hours=2)
    start = (hour.start + timedelta(days=1)).isoformat()
    person = as_(keys, "person", case_id=str(hour.case_id)) | {"if-match": '"1"'}
    for wrong, code in (("perhaps", "literal_error"), ("firm", "not_allowed")):
        answer = await post(http, path(hour, "reschedule"), {"start": start, "certainty": wrong}, **person)
        assert (answer.status_code, fields(answer)) == (422, [("/certainty", code)])
    moved = await post(
        http, path(hour, "reschedule"), {"start": start, "certainty": "provisional"}, **{"if-match": '"1"'}
    )
    assert (moved.status_code, moved.json()["certainty"]) == (200, "provisional")
    firm = await post(http, moved.json()["links"]["confirm"], {}, **{"if-match": '"2"'})
    assert (firm.status_code, firm.json()["certainty"], firm.headers["etag"]) == (200, "firm", '"3"')
    assert "confirm" not in firm.json()["links"]
    late = await post(http, path(hour, "fulfil"), {}, **{"if-match": '"3"'})
    assert (late.status_code, late.json()["code"]) == (409, "not_arrived")


@pytest.mark.parametrize(
    ("step", "change", "field"),
    [
        ("reschedule", {"modality": "smoke"}, ("/modality", "literal_error")),
        ("reschedule", {"modality": "in_person"}, ("/site_id", "missing")),
        ("reschedule", {"modality": "in_person", "site_id": "lahore"}, ("/site_id", "uuid_parsing")),
        ("reschedule", {"modality": "in_person", "site_id": str(uuid4())}, ("/site_id", "unknown_site")),
        ("reschedule", {"site_id": str(uuid4())}, ("/site_id", "not_allowed")),
        ("reschedule", {"by": "system"}, ("/by", "literal_error")),
        ("reschedule", {"why": "tired"}, ("/why", "unknown_field")),
        ("cancel", {"by": "system"}, ("/by", "literal_error")),
        ("cancel", {"reason": "sad"}, ("/reason", "literal_error")),
    ],
)
async def test_a_change_is_refused_by_the_field_that_is_wrong(
    http: httpx2.AsyncClient, store: Store, hour: AppointmentBooked, step: str, change: Any, field: Any
) -> None:
    store.now = hour.start - timedelta(hours=2)
    before, start = await store.state(), (hour.start + timedelta(days=1)).isoformat()
    body = change | ({"start": start} if step == "reschedule" else {})
    answer = await post(http, path(hour, step), body, **{"if-match": '"1"'})
    assert (answer.status_code, fields(answer)) == (422, [field])
    assert await store.state() == before


async def test_a_desk_changes_the_way_to_meet_for_a_person_who_called_and_gives_the_hour_back_for_another(
    http: httpx2.AsyncClient, store: Store, keys: Path, hour: AppointmentBooked
) -> None:
    store.now = hour.start - timedelta(hours=2)
    desk = as_(keys, "clinic_desk", organisation=hour.organisation)
    by_phone = {"start": hour.start.isoformat(), "modality": "phone", "by": "person"}
    moved = await post(http, path(hour, "reschedule"), by_phone, **desk, **{"if-match": '"1"'})
    assert (moved.status_code, moved.json()["modality"], moved.headers["etag"]) == (200, "phone", '"2"')
    gone = await post(
        http,
        path(hour, "cancel"),
        {"by": "therapist", "reason": "therapist_away"},
        **desk,
        **{"if-match": '"2"'},
    )
    assert (gone.status_code, gone.json()["state"]) == (200, "cancelled")
    (said,) = await store.said(AppointmentCancelled)
    assert (said.by, said.reason) == ("therapist", "therapist_away")
