"""Who takes part comes back with a code of their own, and sees whether there is an hour for them and nothing else."""

from base64 import urlsafe_b64decode
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx2
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.api.invitations import ACCEPT
from services.intake.api.requests import COUPLE
from services.intake.domain.states import Standing
from services.intake.domain.taking_part import own_standing
from services.intake.pages.standing import said_when
from shared.contracts.matching import MatchAttendee
from shared.contracts.scheduling import AppointmentBooked, AppointmentCancelled, AppointmentRescheduled
from tests.intake.conftest import IntakeDatabase
from tests.intake.people import CALM
from tests.intake.test_asking import ask, asking
from tests.intake.test_bad_input import refused
from tests.intake.test_gates import session_of
from tests.intake.test_guardians import handed_over, practice
from tests.intake.test_over_http import Token, case_id_of
from tests.intake.test_pages import WORDS, post
from tests.intake.test_progress import HOUR, appointment, hear

__all__ = ["practice"]
ENDED = {"reason": "changed_mind"}
FAMILY = asking() | {"kind": "family", "attendees": [{"role": "family"}]}
# Whoever asked may be in danger, which no one else is told.
IN_DANGER = COUPLE | {"answers": {"phq9": [*CALM[:8], 3]}}


async def knock(people: httpx2.AsyncClient, code: str, pin: str) -> httpx2.Response:
    return await people.post("/v1/sessions", json={"case_code": code, "pin": pin})


async def come_back(people: httpx2.AsyncClient, own: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """The path of the own view, and the headers of the session."""
    session = await knock(people, own["code"], own["pin"])
    assert session.status_code == 200, session.text
    return f"/v1/cases/{own['code']}", {"Authorization": f"Bearer {session.json()['token']}"}


async def answered(people: httpx2.AsyncClient, own: dict[str, Any], how: str = "accept") -> None:
    sent = (ACCEPT if how == "accept" else {}) | {"pin": own["pin"]}
    assert (await people.post(f"/v1/invitations/{own['code']}/{how}", json=sent)).status_code == 200


async def asked_for_two(
    people: httpx2.AsyncClient, body: dict[str, Any] = COUPLE, *, agreed: bool = True
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the asker was answered, and the code and the PIN of the other one, who agreed."""
    asked = (await ask(people, body)).json()
    [own] = asked["participants"]
    if agreed:
        await answered(people, own)
    return asked, own


async def id_of(store: IntakeDatabase, own: dict[str, Any]) -> UUID:
    found: UUID = await store.admin.fetchval(
        "SELECT attendee_id FROM intake.attendees WHERE code = $1", own["code"]
    )
    return found


async def book(
    store: IntakeDatabase,
    asked: dict[str, Any],
    *others: UUID,
    kind: Any = AppointmentBooked,
    version: int = 1,
) -> None:
    case_id = await case_id_of(store, asked["status_url"])
    two = tuple(MatchAttendee(attendee_id=one, person_id=uuid4()) for one in (uuid4(), *others))
    more = {"reason": "changed_mind"} if kind is AppointmentCancelled else {}
    more |= {"previous_start": datetime.now(UTC)} if kind is AppointmentRescheduled else {}
    await hear(store, appointment(kind, case_id, 1, version, attendees=two, **more))


KINDS = st.builds(
    Standing,
    st.sampled_from(["held", "matching", "offered", "waitlisted", "booked", "in_care", "paused", "closed"]),
    st.sampled_from(["clinician", "person", "capacity"]),
    st.just(datetime(2026, 12, 1, tzinfo=UTC)),
    st.sampled_from([None, datetime(2026, 12, 2, tzinfo=UTC)]),
    st.sampled_from([None, "conversation_first", "on_request"]),
    st.sampled_from(["expect_a_call", "choose_therapist", "ask_participant", "look_up_the_hour"]),
    st.sampled_from([None, "helpline"]),
)


@given(KINDS, st.sampled_from([None, HOUR]), st.sampled_from([None, HOUR, UUID(int=1)]))
def test_all_that_is_no_hour_of_theirs_is_told_with_one_word(
    stands: Standing, hour: UUID | None, own_hour: UUID | None
) -> None:
    own = own_standing(stands, hour, own_hour)
    if stands.state == "booked" and hour is not None and hour == own_hour:
        assert (own.state, own.until, own.next_step, own.appointment_id) == (
            "booked",
            stands.until,
            "attend",
            HOUR,
        )
    else:
        waiting = ("closed", "ask_again_any_time") if stands.state == "closed" else ("waiting", "wait")
        assert (own.state, own.next_step) == waiting
        assert (own.until, own.appointment_id) == (None, None)


async def test_a_partner_who_agreed_comes_back_and_sees_when_the_hour_is_and_no_more(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    asked, own = await asked_for_two(people)
    path, session = await come_back(people, own)
    before = await people.get(path.lower(), headers=session)
    assert before.json() == {
        "code": own["code"], "state": "waiting", "until": None, "next_step": "wait", "links": {"self": path},
    }  # fmt: skip
    await book(store, asked, await id_of(store, own))
    booked = await people.get(path, headers=session)
    assert booked.json() == {
        "code": own["code"],
        "state": "booked",
        "until": appointment(AppointmentBooked, uuid4(), 1, 1).start.isoformat(),
        "next_step": "attend",
        "links": {"self": path, "appointment": f"/v1/appointments/{HOUR}"},
    }
    assert booked.headers["cache-control"] == "private, no-cache"
    seen = {"If-None-Match": booked.headers["etag"]}
    assert (await people.get(path, headers=session | seen)).status_code == 304
    await book(store, asked, await id_of(store, own), kind=AppointmentRescheduled, version=2)
    assert (await people.get(path, headers=session | seen)).json()["state"] == "booked"
    await book(store, asked, await id_of(store, own), kind=AppointmentCancelled, version=3)
    assert (await people.get(path, headers=session)).json() == before.json()


async def test_a_guardian_who_agreed_comes_back_as_a_guardian(
    people: httpx2.AsyncClient, practice: dict[str, str]
) -> None:
    _, at, pin = await handed_over(people, practice)
    own = {"code": at.rpartition("/")[2], "pin": pin}
    await answered(people, own)
    path, session = await come_back(people, own)
    assert (await people.get(path, headers=session)).json()["state"] == "waiting"
    claims = session["Authorization"].split(".")[1]
    assert orjson.loads(urlsafe_b64decode(claims + "=="))["role"] == "guardian"


async def test_who_declined_who_has_not_answered_and_who_is_too_late_are_refused_like_nobody(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    _, unanswered = await asked_for_two(people, agreed=False)
    _, declined = await asked_for_two(people, agreed=False)
    await answered(people, declined, "decline")
    _, late = await asked_for_two(people, agreed=False)
    past = "UPDATE intake.attendees SET expires_at = now() - interval '1 day' WHERE code = $1"
    await store.admin.execute(past, late["code"])
    nobody = {"code": "ZZZZZZZZZZ", "pin": "123456"}
    answers = [await knock(people, one["code"], one["pin"]) for one in (unanswered, declined, late, nobody)]
    assert {(one.status_code, one.json()["code"]) for one in answers} == {(401, "wrong_code_or_pin")}
    assert len({one.content for one in answers}) == 1


async def test_whoever_agreed_in_time_comes_back_after_the_invitation_ran_out(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    _, own = await asked_for_two(people)
    past = "UPDATE intake.attendees SET expires_at = now() - interval '1 day' WHERE code = $1"
    await store.admin.execute(past, own["code"])
    await come_back(people, own)


async def test_whoever_takes_their_word_back_sees_nothing_from_then_on(people: httpx2.AsyncClient) -> None:
    _, own = await asked_for_two(people)
    path, session = await come_back(people, own)
    await answered(people, own, "decline")
    gone = await people.get(path, headers=session)
    assert (gone.status_code, gone.json()["code"]) == (404, "case_not_found")
    assert (await knock(people, own["code"], own["pin"])).status_code == 401


async def test_nobody_comes_back_to_a_case_that_ended_and_nobody_is_told_why_it_did(
    people: httpx2.AsyncClient,
) -> None:
    asked, own = await asked_for_two(people)
    path, session = await come_back(people, own)
    headers = await session_of(people, asked)
    ended = await people.post(f"{asked['status_url']}/withdraw", json=ENDED, headers=headers)
    assert ended.status_code == 200
    assert (await people.get(path, headers=session)).json() == {
        "code": own["code"],
        "state": "closed",
        "until": None,
        "next_step": "ask_again_any_time",
        "links": {"self": path},
    }
    assert (await knock(people, own["code"], own["pin"])).json()["code"] == "wrong_code_or_pin"


async def test_wrong_tries_at_an_own_code_slow_the_next_one_down(people: httpx2.AsyncClient) -> None:
    _, own = await asked_for_two(people)
    tries = [await knock(people, own["code"], "nonsense") for _ in range(4)]
    assert [one.status_code for one in tries] == [401, 401, 401, 429]
    assert (await knock(people, own["code"], own["pin"])).headers["retry-after"] == "1"


async def test_the_askers_pin_does_not_open_the_others_view_nor_theirs_the_askers(
    people: httpx2.AsyncClient,
) -> None:
    asked, own = await asked_for_two(people)
    assert (await knock(people, own["code"], asked["pin"])).status_code == 401
    assert (await knock(people, asked["case_code"], own["pin"])).status_code == 401


async def test_the_own_view_holds_nothing_of_whoever_asked(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    asked, own = await asked_for_two(people, IN_DANGER)
    path, session = await come_back(people, own)
    asker = await session_of(people, asked)
    now = await people.get(asked["status_url"], headers=asker)
    seen = asker | {"If-Match": now.headers["etag"]}
    theirs = (await people.post(f"{asked['status_url']}/pause", json={}, headers=seen)).json()
    assert (theirs["state"], theirs["reason"], "crisis" in theirs) == ("paused", "on_request", True)
    mine = await people.get(path, headers=session)
    assert set(mine.json()) == {"code", "state", "until", "next_step", "links"}
    case_id = await case_id_of(store, asked["status_url"])
    hidden = (
        asked["case_code"],
        str(case_id),
        theirs["since"],
        "paused",
        "on_request",
        "crisis",
        "person",
        "version",
    )
    assert not [one for one in hidden if one in mine.text]


async def test_an_hour_is_not_told_to_whoever_agreed_after_it_was_booked(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    asked, own = await asked_for_two(people, FAMILY)
    await book(store, asked, uuid4())
    path, session = await come_back(people, own)
    shown = (await people.get(path, headers=session)).json()
    assert (shown["state"], shown["until"], set(shown["links"])) == ("waiting", None, {"self"})


async def test_with_an_own_code_only_the_own_view_is_there(people: httpx2.AsyncClient, token: Token) -> None:
    asked, own = await asked_for_two(people)
    _, foreign = await asked_for_two(people)
    path, session = await come_back(people, own)
    asker = await session_of(people, asked)
    for where, who in (
        (asked["status_url"], session),
        (f"/v1/cases/{foreign['code']}", session),
        ("/v1/cases/ZZZZZZZZZZ", session),
        ("/v1/cases/nobody%00", session),
        (path, asker),
        (path, token("participant", case_id=str(uuid4()), attendee_id=str(uuid4()))),
        (path, token("participant")),
    ):
        assert (await people.get(where, headers=who)).status_code == 404, where
    for method, where in (
        ("GET", "/events"), ("GET", "/wishes"), ("POST", "/contact"), ("PATCH", ""), ("POST", "/pause"), ("POST", "/resume"),
        ("POST", "/withdraw"), ("POST", "/attendees"), ("POST", "/close"),
    ):  # fmt: skip
        for at in (path, asked["status_url"]):
            answer = await people.request(method, f"{at}{where}", json={}, headers=session)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), (method, where)


@pytest.mark.parametrize("code", ["", " ", "a" * 39, "‎۱۲۳", "\0\0"])
async def test_what_is_no_code_opens_nothing(people: httpx2.AsyncClient, code: str) -> None:
    _, own = await asked_for_two(people)
    assert (await knock(people, code, own["pin"])).status_code in (401, 422, 429)


async def test_nobody_goes_on_from_a_case_that_they_only_take_part_in(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    asked, own = await asked_for_two(people)
    _, session = await come_back(people, own)
    by_pin = asking() | {"continues": {"case_code": own["code"], "pin": own["pin"]}}
    problem = await refused(people, store, json=by_pin)
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [
        ("/continues", "wrong_code_or_pin")
    ]
    by_session = asking() | {"continues": {"case_code": asked["case_code"]}}
    headers = session | {"Idempotency-Key": str(uuid4())}
    assert (await people.post("/v1/cases", json=by_session, headers=headers)).status_code == 403


@pytest.mark.parametrize("language", ["en", "ur"])
async def test_the_page_for_coming_back_shows_whoever_takes_part_their_hour(
    people: httpx2.AsyncClient, store: IntakeDatabase, language: str
) -> None:
    asked, own = await asked_for_two(people, IN_DANGER)
    words = WORDS[language].texts
    at, typed = f"/{language}/status", {"case_code": own["code"], "pin": own["pin"]}
    page = await post(people, at, typed)
    assert (page.status_code, words["taking_part"]["states"]["waiting"] in page.text) == (200, True)
    assert asked["case_code"] not in page.text
    for asking_alone in ("wishes", "withdraw", "pause", "choice"):
        assert f'formaction="/{language}/{asking_alone}' not in page.text
    await book(store, asked, await id_of(store, own))
    carried = {"case_code": own["code"], "token": page.text.split('name="token" value="')[1].split('"')[0]}
    again = await post(people, at, carried)
    assert words["taking_part"]["states"]["booked"] in again.text
    assert said_when(words, appointment(AppointmentBooked, uuid4(), 1, 1).start) in again.text


@pytest.mark.parametrize("language", ["en", "ur"])
async def test_whoever_agrees_on_the_page_is_told_where_to_look_and_whoever_declines_is_not(
    people: httpx2.AsyncClient, language: str
) -> None:
    look = WORDS[language].texts["taking_part"]["look"]
    for go, told in (("accept", True), ("decline", False)):
        _, own = await asked_for_two(people, agreed=False)
        typed = {"case_code": own["code"], "pin": own["pin"], "go": go}
        page = await post(people, f"/{language}/invitation", typed)
        assert (page.status_code, look in page.text) == (200, told)
        assert (f'href="/{language}/status"' in page.text) == told


async def test_a_session_of_whoever_takes_part_opens_no_page_of_whoever_asked(
    people: httpx2.AsyncClient,
) -> None:
    asked, own = await asked_for_two(people)
    _, session = await come_back(people, own)
    carried = {"case_code": asked["case_code"], "token": session["Authorization"].removeprefix("Bearer ")}
    for page in ("status", "wishes", "reach", "withdraw", "pause", "resume", "choice/again"):
        answer = await post(people, f"/en/{page}", carried)
        assert answer.status_code == 401, page
        typed = await post(people, f"/en/{page}", {"case_code": own["code"], "pin": own["pin"]})
        assert typed.status_code == (200 if page == "status" else 401), page
