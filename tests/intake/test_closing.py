"""A case that staff end: by whom, on what, said once, shown in words that may be read aloud; and coming back after it."""

from typing import Any, get_args
from uuid import UUID, uuid4

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.api.requests import COUPLE
from services.intake.domain.alarms import AlarmOnCase
from services.intake.domain.closing import may_close
from services.intake.domain.states import Fact, Progress, Seen, advance, standing
from services.intake.domain.vocabulary import CloseReason
from services.intake.handlers.closing import Closing, close_cases
from services.intake.handlers.submission import Desk
from services.intake.repository.standings import Ending
from services.intake.settings.page_words import read_words
from shared.contracts.scheduling import AppointmentBooked, AppointmentFulfilled
from tests.intake.conftest import IntakeDatabase
from tests.intake.test_asking import ask, asking
from tests.intake.test_coming_back import ASMA, opened, withdraw
from tests.intake.test_gates import CASE, NOW, Token, a_case
from tests.intake.test_over_http import case_id_of, come_back
from tests.intake.test_pages import post
from tests.intake.test_progress import T0, THERAPIST, appointment, hear, match_made, seen, waitlisted

REASONS = get_args(CloseReason)
ENDED = ("intake.case_closed.v1", "intake.case_ended.v1")
ANYBODY = {"If-Match": "*"}


def an_alarm(state: Any) -> AlarmOnCase:
    return AlarmOnCase(uuid4(), CASE, "R2", state, None, None)


def test_a_case_with_an_alarm_that_nobody_has_closed_is_not_closed() -> None:
    assert may_close(a_case(), 1) is None
    assert may_close(a_case(an_alarm("closed")), 1) is None
    for state in ("open", "acknowledged"):
        assert may_close(a_case(an_alarm("closed"), an_alarm(state)), 1) == "alarm_open"
    assert may_close(a_case(), 7) == "stale"
    assert may_close(a_case(an_alarm("open"), closed=True), 7) is None


HOURS = st.tuples(st.integers(1, 4), st.integers(1, 4), st.sampled_from([UUID(int=n) for n in range(1, 4)]))


@given(st.lists(HOURS, max_size=8), st.randoms(use_true_random=False), st.integers(1, 8))
def test_a_case_is_its_last_therapists_in_whatever_order_their_hours_are_heard(
    hours: list[tuple[int, int, UUID]], chance: Any, batch: int
) -> None:
    facts = [
        Fact(CASE, "appointment_booked", attempt, version, T0, therapist_id=therapist)
        for attempt, version, therapist in hours
    ]
    chance.shuffle(facts)
    progress = Progress(CASE, CASE, "open", T0, None)
    for start in range(0, len(facts), batch):
        progress = advance(progress, facts[start : start + batch], [])
    last = max(hours, default=None)
    assert progress.seen_by == (Seen(*last) if last else None)
    assert progress.therapist_id == (last[2] if last else None)


def test_a_case_for_which_somebody_else_is_looked_for_is_nobodys() -> None:
    hour = Fact(CASE, "appointment_booked", 1, 1, T0, therapist_id=THERAPIST)
    progress = advance(Progress(CASE, CASE, "open", T0, None), [hour], [])
    assert progress.therapist_id == THERAPIST
    assert advance(progress, [Fact(CASE, "match_made", 2, 0, T0)], []).therapist_id is None


@pytest.mark.parametrize("reason", REASONS)
def test_a_person_is_told_why_their_case_was_closed_and_that_they_can_ask_again(reason: str) -> None:
    stands = standing(Progress(CASE, CASE, "open", T0, NOW, ended_for=reason, in_care_since=T0))
    assert (stands.state, stands.waiting_on, stands.reason) == ("closed", "nobody", reason)
    assert (stands.since, stands.next_step) == (NOW, "ask_again_any_time")


async def in_care(people: httpx2.AsyncClient, store: IntakeDatabase) -> tuple[str, dict[str, str], UUID]:
    """A case whose first session took place, its person's session, and its therapist."""
    path, session = await come_back(people)
    case_id, therapist = await case_id_of(store, path), uuid4()
    await hear(
        store,
        appointment(AppointmentBooked, case_id, 1, 1, therapist_id=therapist),
        appointment(AppointmentFulfilled, case_id, 1, 2, therapist_id=therapist),
    )
    return path, session, therapist


async def close(
    people: httpx2.AsyncClient, path: str, headers: dict[str, str], reason: str = "completed"
) -> httpx2.Response:
    """On what was seen just before."""
    tag = (await people.get(path, headers=headers)).headers.get("etag", "")
    return await people.post(f"{path}/close", json={"reason": reason}, headers=headers | {"If-Match": tag})


async def ends(store: IntakeDatabase, case_id: UUID) -> list[tuple[str, Any]]:
    """What was said of its end."""
    said = [one for one in await store.said() if one.type in ENDED]
    ours = (str(case_id), [str(case_id)])
    return [
        (one.type, one.event.get("reason"))
        for one in said
        if one.event.get("case_id") in ours or one.event.get("case_ids") in ours
    ]


async def test_a_therapist_closes_the_own_case_once_and_its_person_sees_it(
    people: httpx2.AsyncClient, store: IntakeDatabase, token: Token
) -> None:
    path, session, therapist = await in_care(people, store)
    case_id, before = await case_id_of(store, path), (await people.get(path, headers=session)).json()
    own = token("therapist", subject=str(therapist), name="Sana")
    answer = await close(people, path, own)
    assert answer.status_code == 200
    now = (await people.get(path, headers=session)).json()
    assert (now["state"], now["reason"], now["next_step"], now["version"]) == (
        "closed", "completed", "ask_again_any_time", before["version"] + 1,
    )  # fmt: skip
    assert now["links"] == {"self": path}
    for again in (await close(people, path, own, "stopped_coming"), await close(people, path, own)):
        assert (again.status_code, again.json()) == (200, answer.json())
    assert await ends(store, case_id) == [(ENDED[0], "completed"), (ENDED[1], None)]
    kept = await store.admin.fetchrow("SELECT * FROM intake.withdrawals WHERE case_id = $1", case_id)
    assert (kept["role"], kept["staff_id"], kept["staff_name"]) == ("therapist", str(therapist), "Sana")
    assert (await people.post(f"{path}/withdraw", json={}, headers=session)).json()["reason"] == "completed"


async def test_operators_see_by_which_role_a_case_was_closed_and_not_why(
    people: httpx2.AsyncClient, store: IntakeDatabase, token: Token
) -> None:
    path, _, _ = await in_care(people, store)
    assert (await close(people, path, token("coordinator"), "stepped_up")).status_code == 200
    async with store.intake.transaction() as tx:
        rows = await tx.connection.fetch(
            "SELECT step, detail, waits_for FROM journey WHERE case_id = $1", await case_id_of(store, path)
        )
    assert ("closed", "by the coordinator", None) in [tuple(row) for row in rows]
    assert "stepped" not in str([tuple(row) for row in rows])


async def test_a_case_is_closed_by_its_own_therapist_and_by_no_other(
    people: httpx2.AsyncClient, store: IntakeDatabase, token: Token
) -> None:
    path, session, therapist = await in_care(people, store)
    before = await store.rows()
    sent = {"reason": "completed"}
    for headers, status in (
        (token("therapist", subject=str(uuid4())), 404),
        (token("therapist", subject="none"), 404),
        (token("duty_clinician"), 403),
        (session, 403),
        ({}, 401),
    ):
        answer = await people.post(f"{path}/close", json=sent, headers=headers | ANYBODY)
        assert (answer.status_code, bool(answer.json()["crisis"]["lines"])) == (status, True)
        if status == 404:
            assert (await people.get(path, headers=headers)).status_code == 404
    assert await store.rows() == before
    await hear(store, match_made(await case_id_of(store, path), 2))
    own = token("therapist", subject=str(therapist))
    gone = await people.post(f"{path}/close", json=sent, headers=own | ANYBODY)
    assert gone.status_code == 404  # somebody else is looked for by now


async def test_an_open_alarm_is_seen_to_before_its_case_is_closed(
    people: httpx2.AsyncClient, store: IntakeDatabase, token: Token
) -> None:
    path, _ = await come_back(people, item9=1)
    coordinator = token("coordinator")
    refused = await close(people, path, coordinator, "referred_out")
    assert (refused.status_code, refused.json()["code"]) == (409, "alarm_open")
    assert refused.json()["crisis"]["lines"]
    case_id = await case_id_of(store, path)
    assert await ends(store, case_id) == []
    await store.admin.execute(
        "UPDATE intake.alarms SET state = 'closed', acknowledged_by = 's', acknowledged_name = 'n',"
        " closed_by = 's', closed_name = 'n', outcome = 'reached_and_safe', reason = 'x', closed_at = now()"
        " WHERE case_id = $1",
        case_id,
    )
    assert (await close(people, path, coordinator, "referred_out")).json()["state"] == "closed"


async def test_what_cannot_be_meant_is_named_and_closes_nothing(
    people: httpx2.AsyncClient, store: IntakeDatabase, token: Token
) -> None:
    path, _, _ = await in_care(people, store)
    staff, at = token("coordinator"), f"{path}/close"
    before = await store.rows()
    good = {"reason": "completed"}
    assert (await people.post(at, json=good, headers=staff)).status_code == 428
    assert (await people.post(at, json=good, headers=staff | {"If-Match": '"old"'})).status_code == 412
    for code in ("ZZZZZZZZZZ", "x", "%00"):
        answer = await people.post(f"/v1/cases/{code}/close", json=good, headers=staff | ANYBODY)
        assert answer.status_code == 404
    for body, pointer in (
        ({}, "/reason"),
        ({"reason": None}, "/reason"),
        ({"reason": "withdrawn"}, "/reason"),
        ({"reason": "erased"}, "/reason"),
        ({"reason": "no longer needed"}, "/reason"),
        ({"reason": ["completed"]}, "/reason"),
        ({"reason": "completed", "why": "said so"}, "/why"),
    ):
        answer = await people.post(at, json=body, headers=staff | ANYBODY)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), body
    for raw in (b"", b"[", b"[]", b'"completed"'):
        kind = {"content-type": "application/json"}
        answer = await people.post(at, content=raw, headers=staff | ANYBODY | kind)
        assert answer.status_code in (400, 422)
    assert await store.rows() == before


async def test_closings_that_come_together_are_one(store: IntakeDatabase, desk: Desk) -> None:
    case, taken_back = await opened(store, desk), await opened(store, desk)
    await withdraw(store, taken_back.case_id)
    closings = [
        Closing(one, 1, Ending(reason, "coordinator", ASMA), None)
        for one in (case.case_id, taken_back.case_id)
        for reason in ("unreachable", "referred_out")
    ]
    async with store.intake.transaction() as tx:
        assert await close_cases(closings, tx) == [None] * 4
    assert await ends(store, case.case_id) == [(ENDED[0], "unreachable"), (ENDED[1], None)]
    assert (await seen(store, case.case_code)).standing.reason == "unreachable"
    assert (await seen(store, taken_back.case_code)).standing.reason == "withdrawn"


async def test_what_is_heard_after_the_end_does_not_open_a_case_again(
    people: httpx2.AsyncClient, store: IntakeDatabase, token: Token
) -> None:
    path, session, _ = await in_care(people, store)
    await close(people, path, token("coordinator"), "stopped_coming")
    shown = (await people.get(path, headers=session)).json()
    case_id = await case_id_of(store, path)
    await hear(
        store, appointment(AppointmentBooked, case_id, 2, 1), waitlisted(case_id, 3), match_made(case_id, 4)
    )
    now = (await people.get(path, headers=session)).json()
    assert {**now, "version": 0} == {**shown, "version": 0}


async def test_whoever_was_to_take_part_is_not_written_to_after_the_end(
    people: httpx2.AsyncClient, store: IntakeDatabase, token: Token
) -> None:
    asked = (await ask(people, COUPLE)).json()
    path = asked["status_url"]
    assert (await close(people, path, token("coordinator"), "unreachable")).json()["state"] == "closed"
    said = [one.type for one in await store.said()]
    assert said.count("intake.contact_stopped.v1") == 1


async def test_somebody_who_was_discharged_comes_back_with_a_new_case_that_continues(
    people: httpx2.AsyncClient, store: IntakeDatabase, token: Token
) -> None:
    first = (await ask(people, asking())).json()
    path, pin = first["status_url"], first["pin"]
    await close(people, path, token("coordinator"), "completed")
    earlier = {"continues": {"case_code": first["case_code"], "pin": pin}}
    again = await ask(people, asking() | earlier)
    assert again.status_code == 202
    assert again.json()["case_code"] != first["case_code"]
    case_id, earlier_id = await case_id_of(store, again.json()["status_url"]), await case_id_of(store, path)
    said = [one.event for one in await store.said(str(case_id)) if one.type.endswith("submitted.v1")]
    assert [one["continues"] for one in said] == [str(earlier_id)]


@pytest.mark.parametrize("language", ["en", "ur"])
@pytest.mark.parametrize("reason", REASONS)
async def test_the_page_of_a_closed_case_says_why_and_how_to_ask_again(
    people: httpx2.AsyncClient, token: Token, language: str, reason: str
) -> None:
    asked = (await ask(people, asking())).json()
    await close(people, asked["status_url"], token("coordinator"), reason)
    known = {"case_code": asked["case_code"], "pin": asked["pin"]}
    page = await post(people, f"/{language}/status", known)
    words = read_words()[language].texts
    assert page.status_code == 200
    for said in (
        words["endings"][reason],
        words["next_steps"]["ask_again_any_time"],
        words["status"]["anew"],
    ):
        assert said in page.text
    assert f'href="/{language}/"' in page.text
    assert "/withdraw" not in page.text


async def test_a_therapist_finds_the_case_by_its_hour_and_no_other_does(
    people: httpx2.AsyncClient, store: IntakeDatabase, token: Token
) -> None:
    path, session, therapist = await in_care(people, store)
    own, hour = token("therapist", subject=str(therapist)), uuid4()
    case_id = await case_id_of(store, path)
    booked = appointment(AppointmentBooked, case_id, 1, 3, therapist_id=therapist, appointment_id=hour)
    await hear(store, booked)
    found = await people.get(f"/v1/cases?appointment_id={hour}", headers=own)
    assert (found.status_code, found.headers["content-location"]) == (200, path)
    itself = await people.get(path, headers=own)
    assert (found.json(), found.headers["etag"]) == (itself.json(), itself.headers["etag"])
    tagged = own | {"If-Match": found.headers["etag"]}
    assert (
        await people.post(f"{path}/close", json={"reason": "completed"}, headers=tagged)
    ).status_code == 200
    for headers, asked, status in (
        (token("coordinator"), hour, 200),
        (token("therapist", subject=str(uuid4())), hour, 404),
        (own, uuid4(), 404),
        (session, hour, 403),
        (token("clinic_desk"), hour, 403),
        ({}, hour, 401),
        (own, "x", 422),
    ):
        answer = await people.get(f"/v1/cases?appointment_id={asked}", headers=headers)
        assert answer.status_code == status
    missing = await people.get("/v1/cases", headers=own)
    assert (missing.status_code, missing.json()["errors"][0]["pointer"]) == (422, "appointment_id")
