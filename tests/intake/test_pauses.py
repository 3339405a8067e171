"""Pauses: asked for, ended by their person, by a coordinator or by their date; and the search goes on after them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args
from uuid import UUID, uuid4

import httpx2
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.alarms import AlarmOnCase
from services.intake.domain.gates import held, released
from services.intake.domain.pauses import LONGEST, going_on, last_ended, over, paused, resumed
from services.intake.domain.refusals import Refusal
from services.intake.domain.states import Fact, FactKind, Progress, Standing, standing
from services.intake.domain.wishes import KeptRequest
from services.intake.handlers.pausing import DUE, end_pauses
from shared.contracts.scheduling import AppointmentBooked, AppointmentCancelled, AppointmentNoShow
from shared.messaging import Due
from tests.intake.conftest import IntakeDatabase
from tests.intake.test_gates import (
    CASE,
    NOW,
    POLICY,
    Token,
    a_case,
    asma,
    close,
    held_case,
    stands,
    waits_for,
)
from tests.intake.test_help import PHONE, alarms_of, call
from tests.intake.test_over_http import case_id_of, come_back
from tests.intake.test_progress import appointment, hear, waitlisted

__all__ = ["asma"]
SEEN = 1
CONSENT = {"care": True, "contact": True, "text_version": "2026-01"}


def stand(state: str) -> Standing:
    return Standing(state, "person", NOW, None, None, "wait")


def a_pause(case: KeptRequest, until: date | None = None, state: str = "matching") -> Any:
    return paused(case, stand(state), case.version, until, NOW)


def an_end(case: KeptRequest, state: str = "paused", after: int = 0, agreed: bool = True) -> Any:
    return resumed(case, stand(state), case.version, after_attempt=after, agreed_to_care=agreed, now=NOW)


OPEN = a_case(gate="open")


def test_a_pause_shuts_the_gate_and_its_end_opens_it() -> None:
    waits = a_pause(OPEN)
    assert (waits.gate, waits.paused_for, waits.version, waits.request_version) == (
        "waits_for_human", "on_request", 2, 2,
    )  # fmt: skip
    assert a_pause(waits, state="paused") is waits
    goes_on = an_end(waits, after=3)
    assert (goes_on.gate, goes_on.paused_for, goes_on.resumed_after, goes_on.version) == ("open", None, 3, 3)


def test_a_pause_ends_when_its_day_begins_where_the_person_is() -> None:
    waits = a_pause(OPEN, date(2027, 1, 20))
    assert waits.paused_until == datetime(2027, 1, 19, 19, tzinfo=UTC)
    assert not over(waits, waits.paused_until - timedelta(seconds=1))
    assert over(waits, waits.paused_until)
    assert not over(going_on(waits, 0, NOW), waits.paused_until)


@pytest.mark.parametrize(
    ("day", "code"),
    [
        (NOW.date(), "over_already"),
        (date(2020, 1, 1), "over_already"),
        (date.min, "over_already"),
        (NOW.date() + LONGEST + timedelta(days=1), "too_far"),
        (date.max, "too_far"),
    ],
)
def test_a_day_that_is_past_or_far_away_is_refused(day: date, code: str) -> None:
    refused = a_pause(OPEN, day)
    assert isinstance(refused, Refusal)
    assert (refused.pointer, refused.code) == ("/until", code)


@pytest.mark.parametrize("state", ["held", "booked", "in_care"])
def test_nobody_is_looked_for_so_nothing_is_paused_or_resumed(state: str) -> None:
    assert a_pause(OPEN, state=state) == "not_pausable"
    assert an_end(OPEN, state=state) == "not_paused"


def test_whoever_agreed_to_no_care_is_not_searched_for_by_a_date_or_by_anybody_else() -> None:
    called = a_case(paused_for="not_asked_yet")
    assert a_pause(called, state="paused") == "not_pausable"
    assert an_end(called, agreed=False) == "consent_needed"
    assert an_end(called).gate == "open"


def test_a_guardian_is_waited_for_after_a_pause_as_before() -> None:
    assert an_end(a_case(awaits="guardian", paused_for="helped_elsewhere")).gate == "waits_for_consent"


def test_an_alarm_that_held_nothing_does_not_end_what_the_person_asked_for() -> None:
    light = AlarmOnCase(uuid4(), CASE, "R1", "closed", "reached_and_safe", NOW)
    waits = a_pause(a_case(light, gate="open"))
    assert released(waits, POLICY, NOW, asked_for_care=True) is waits


def test_what_was_said_of_a_person_before_they_went_on_does_not_pause_them_again() -> None:
    elsewhere = AlarmOnCase(uuid4(), CASE, "R3", "closed", "already_in_care", NOW - timedelta(days=1))
    error = AlarmOnCase(uuid4(), CASE, "R3", "closed", "raised_in_error", NOW + timedelta(days=1))
    waits = a_case(elsewhere, paused_for="helped_elsewhere")
    graver = held(an_end(waits), NOW)
    again = a_case(elsewhere, error, resumed_at=graver.resumed_at)
    assert released(again, POLICY, NOW, asked_for_care=True).gate == "open"


@given(st.sampled_from(get_args(FactKind)), st.integers(1, 9))
def test_an_hour_that_may_still_take_place_is_never_called_over(kind: FactKind, attempt: int) -> None:
    ended = last_ended(Fact(CASE, kind, attempt, 1, NOW))
    assert ended <= attempt
    assert (ended == attempt) == (kind in ("appointment_cancelled", "appointment_no_show"))
    assert last_ended(None) == 0


def test_a_cancelled_hour_is_looked_for_again_and_the_next_one_pauses_anew() -> None:
    lost = Fact(CASE, "appointment_cancelled", 2, 2, NOW)
    case = Progress(CASE, CASE, "open", NOW, None, lost, resumed_after=2, gate_since=NOW)
    assert (standing(case).state, standing(case).reason) == ("matching", "looking_again")
    lost_again = Fact(CASE, "appointment_cancelled", 3, 2, NOW)
    assert standing(Progress(CASE, CASE, "open", NOW, None, lost_again, resumed_after=2)).state == "paused"


async def send(
    people: httpx2.AsyncClient, path: str, act: str, headers: dict[str, str], body: Any = None
) -> httpx2.Response:
    seen = (await people.get(path, headers=headers)).headers.get("etag", "")
    return await people.post(f"{path}/{act}", json=body or {}, headers={"If-Match": seen} | headers)


async def acts(store: IntakeDatabase, case_id: UUID) -> list[tuple[str, str, str | None]]:
    query = "SELECT act, role, staff_name FROM intake.pauses WHERE case_id = $1 ORDER BY at"
    return [tuple(row) for row in await store.admin.fetch(query, case_id)]


async def dues(store: IntakeDatabase, case_id: UUID) -> list[Due]:
    """The ends of its pauses as they are kept, the earliest first."""
    query = "SELECT key, at, body::text FROM intake.due WHERE kind = $1 AND key LIKE $2 ORDER BY at"
    rows = await store.admin.fetch(query, DUE, f"{case_id} %")
    return [Due(DUE, row["key"], row["at"], orjson.loads(row["body"])) for row in rows]


async def come_due(store: IntakeDatabase, due: Due, now: datetime) -> None:
    async with store.intake.transaction() as tx:
        tx._now = now
        await end_pauses([due], tx)


async def updates(store: IntakeDatabase, case_id: UUID) -> list[tuple[str, int | None]]:
    """The gates and the attempts that matching heard of with a request that changed."""
    said = [one.event for one in await store.said(str(case_id)) if one.type == "intake.case_updated.v1"]
    return [(one["gate"], one["resumed_after"]) for one in said]


@pytest.mark.parametrize("kind", [AppointmentCancelled, AppointmentNoShow])
async def test_an_hour_that_did_not_take_place_is_sought_for_again_when_its_person_asks(
    people: httpx2.AsyncClient, store: IntakeDatabase, kind: Any
) -> None:
    path, session = await come_back(people)
    case_id = await case_id_of(store, path)
    lost = {"reason": "x", "by": "clinic"} if kind is AppointmentCancelled else {}
    await hear(
        store,
        appointment(AppointmentBooked, case_id, 1, 1),
        appointment(kind, case_id, 1, 2, **lost),
    )
    before = (await people.get(path, headers=session)).json()
    assert (before["state"], before["links"]["resume"]) == ("paused", f"{path}/resume")
    answer = await send(people, path, "resume", session)
    assert answer.status_code == 200
    now = answer.json()
    assert (now["state"], now["reason"], now["version"]) == (
        "matching",
        "looking_again",
        before["version"] + 1,
    )
    assert "resume" not in now["links"]
    assert await updates(store, case_id) == [("open", 1)]
    assert await acts(store, case_id) == [("resumed", "person", None)]
    again = await send(people, path, "resume", session)
    assert (again.status_code, again.json()["code"]) == (409, "not_paused")


async def test_a_pause_that_was_asked_for_lasts_until_its_day_and_shows_it(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, session = await come_back(people)
    case_id = await case_id_of(store, path)
    day = (datetime.now(UTC) + timedelta(days=20)).date()
    body = (await send(people, path, "pause", session, {"until": day.isoformat()})).json()
    assert (body["state"], body["waiting_on"], body["reason"]) == ("paused", "person", "on_request")
    ends = datetime.fromisoformat(body["until"])
    assert ends.astimezone(UTC).isoformat() == f"{day - timedelta(days=1)}T19:00:00+00:00"
    [due] = await dues(store, case_id)
    assert due.at == ends

    await come_due(store, due, now=datetime.now(UTC))
    assert (await people.get(path, headers=session)).json()["state"] == "paused"
    await come_due(store, due, now=ends)
    assert (await people.get(path, headers=session)).json()["state"] == "matching"
    await come_due(store, due, now=ends)
    assert await updates(store, case_id) == [("waits_for_human", None), ("open", 0)]
    assert await acts(store, case_id) == [("paused", "person", None), ("resumed", "clock", None)]


async def test_whoever_waits_and_calls_for_help_is_seen_to_wait_for_a_human(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, session = await come_back(people)
    case_id = await case_id_of(store, path)
    await hear(store, waitlisted(case_id, 1))
    assert (await send(people, path, "pause", session)).status_code == 200
    assert await waits_for(store, case_id) == {"person"}
    assert (await call(duty, {}, session)).status_code == 202
    assert await waits_for(store, case_id) == {"clinician"}


async def test_the_date_of_a_pause_that_was_moved_or_ended_before_says_nothing(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, session = await come_back(people)
    case_id = await case_id_of(store, path)
    first, later = ((datetime.now(UTC) + timedelta(days=days)).date() for days in (5, 50))
    for day in (first, later):
        assert (await send(people, path, "pause", session, {"until": day.isoformat()})).status_code == 200
    sooner, last = await dues(store, case_id)
    await come_due(store, sooner, now=sooner.at)
    assert (await people.get(path, headers=session)).json()["state"] == "paused"
    assert (await send(people, path, "resume", session)).status_code == 200
    await come_due(store, last, now=last.at)
    assert len(await updates(store, case_id)) == 3


async def test_a_coordinator_lets_a_case_go_on_for_its_person_and_is_named(
    people: httpx2.AsyncClient,
    duty: httpx2.AsyncClient,
    store: IntakeDatabase,
    asma: dict[str, str],
    token: Token,
) -> None:
    one = await held_case(people, duty, store, asma)
    await close(duty, asma, one.alarm_id, "already_in_care")
    zara = token("coordinator", subject="s-zara", name="Zara")
    answer = await send(people, one.asked["status_url"], "resume", zara)
    assert (answer.status_code, answer.json()["state"]) == (200, "matching")
    assert await acts(store, one.case_id) == [("resumed", "coordinator", "Zara")]
    assert (await updates(store, one.case_id))[-1] == ("open", 0)
    async with store.intake.transaction() as tx:
        rows = await tx.connection.fetch("SELECT step, detail FROM journey WHERE case_id = $1", one.case_id)
    assert ("resumed", "by the coordinator") in [tuple(row) for row in rows]


async def test_whoever_only_called_for_help_goes_on_with_a_consent_of_their_own(
    people: httpx2.AsyncClient,
    duty: httpx2.AsyncClient,
    store: IntakeDatabase,
    asma: dict[str, str],
    token: Token,
) -> None:
    asked = (await call(duty, {"contact": PHONE})).json()
    path, case_id = asked["status_url"], await case_id_of(store, asked["status_url"])
    [raised] = await alarms_of(store, case_id)
    await close(duty, asma, raised["alarm_id"])
    sent = {"case_code": asked["case_code"], "pin": asked["pin"]}
    session = {"Authorization": f"Bearer {(await people.post('/v1/sessions', json=sent)).json()['token']}"}
    before = await store.rows()
    zara = token("coordinator")
    for headers, body, status, code in (
        (session, {}, 409, "consent_needed"),
        (zara, {}, 409, "consent_needed"),
        (zara, {"consent": CONSENT}, 422, "not_yours"),
        (session, {"consent": CONSENT | {"care": False}}, 422, "consent_needed"),
        (session, {"consent": CONSENT | {"contact": False}}, 422, "consent_needed"),
        (session, {"consent": CONSENT | {"text_version": "1999"}}, 422, "unknown_text"),
        (session, {"consent": {"care": True}}, 422, "missing"),
    ):
        answer = await send(people, path, "resume", headers, body)
        found = answer.json()
        assert (answer.status_code, code in [found["code"], *(e["code"] for e in found.get("errors", []))]) == (
            status, True,
        ), found  # fmt: skip
        assert found["crisis"]["lines"]
    assert await store.rows() == before
    assert (await send(people, path, "resume", session, {"consent": CONSENT})).json()["state"] == "matching"
    kept = await store.admin.fetch("SELECT purpose, state FROM intake.consents WHERE case_id = $1", case_id)
    assert {tuple(row) for row in kept} == {("care", "given"), ("contact", "given")}
    assert (await stands(people, asked))["state"] == "matching"


@pytest.mark.parametrize("act", ["pause", "resume"])
async def test_what_cannot_be_meant_is_named_and_nothing_is_written(
    people: httpx2.AsyncClient, store: IntakeDatabase, token: Token, act: str
) -> None:
    path, session = await come_back(people)
    _, other = await come_back(people)
    before = await store.rows()
    at = f"{path}/{act}"
    assert (await people.post(at, json={}, headers=session)).status_code == 428
    assert (await people.post(at, json={}, headers=session | {"If-Match": '"old"'})).status_code == 412
    assert (await people.post(at, json={}, headers=other | {"If-Match": "*"})).status_code == 404
    assert (await people.post(at, json={}, headers=token("therapist") | {"If-Match": "*"})).status_code == 403
    assert (await people.post(at, json={}, headers={"If-Match": "*"})).status_code == 401
    for body, pointer in (
        ({"until": "soon"}, "/until"),
        ({"until": "2026-02-30"}, "/until"),
        ({"until": 5}, "/until"),
        ({"until": "2020-01-01"}, "/until"),
        ({"until": "2999-01-01"}, "/until"),
        ({"consent": "yes"}, "/consent"),
        ({"why": "x"}, "/why"),
    ):
        answer = await people.post(at, json=body, headers=session | {"If-Match": "*"})
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    typed = session | {"If-Match": "*", "Content-Type": "application/json"}
    for content in (b"{", b"[]", b"\xff"):
        answer = await people.post(at, content=content, headers=typed)
        assert answer.status_code in (400, 422)
    assert await store.rows() == before


async def test_a_case_that_was_taken_back_neither_waits_nor_goes_on(people: httpx2.AsyncClient) -> None:
    path, session = await come_back(people)
    await people.post(f"{path}/withdraw", json={}, headers=session)
    for act in ("pause", "resume"):
        answer = await send(people, path, act, session)
        assert (answer.status_code, answer.json()["code"]) == (409, "case_closed")


async def test_of_two_who_let_a_case_go_on_at_once_one_is_told_that_it_changed(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, session = await come_back(people)
    await hear(store, waitlisted(await case_id_of(store, path), 1))
    assert (await send(people, path, "pause", session)).json()["state"] == "paused"
    seen = {"If-Match": (await people.get(path, headers=session)).headers["etag"]}
    first = await people.post(f"{path}/resume", json={}, headers=session | seen)
    second = await people.post(f"{path}/resume", json={}, headers=session | seen)
    assert (first.status_code, second.status_code) == (200, 412)
    assert first.json()["state"] == "waitlisted"
