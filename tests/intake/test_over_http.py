"""Sessions, cases, withdrawals, alarms and keys over HTTP: who may do what, and what everybody else is told."""

import base64
import os
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import httpx2
import orjson
import pytest
from joserfc.jwk import OKPKey

from services.intake.domain.codes import BYTES_PER_CODE, case_codes
from services.intake.handlers.progress import project
from services.intake.settings import Settings
from shared.contracts.scheduling import AppointmentBooked
from shared.privacy import open_box
from shared.web import TokenSigner, pack_cursor
from tests.intake.conftest import IntakeDatabase
from tests.intake.test_asking import ask, asking
from tests.intake.test_progress import HOUR, appointment

# Of a case that is looked for.
LINKS = {"self": "", "withdraw": "/withdraw", "contact": "/contact", "pause": "/pause"}
Token = Callable[..., dict[str, str]]
NOTIFICATIONS = {"Authorization": "Bearer " + "n" * 32}


async def come_back(people: httpx2.AsyncClient, item9: int = 0) -> tuple[str, dict[str, str]]:
    """A new case's path and the headers of its person's session."""
    accepted = (await ask(people, asking(item9))).json()
    sent = {"case_code": accepted["case_code"], "pin": accepted["pin"]}
    session = await people.post("/v1/sessions", json=sent)
    assert session.status_code == 200
    assert session.json()["expires_in"] == 600
    return accepted["status_url"], {"Authorization": f"Bearer {session.json()['token']}"}


async def case_id_of(store: IntakeDatabase, path: str) -> UUID:
    found: UUID = await store.admin.fetchval(
        "SELECT case_id FROM intake.cases WHERE case_code = $1", path.rpartition("/")[2]
    )
    return found


async def test_a_person_sees_how_the_case_stands(people: httpx2.AsyncClient) -> None:
    path, session = await come_back(people)
    body = (await people.get(path, headers=session)).json()
    assert (body["state"], body["waiting_on"], body["next_step"], body["version"]) == (
        "matching",
        "system",
        "wait",
        1,
    )
    assert body["links"] == {name: path + at for name, at in LINKS.items()}
    assert "crisis" not in body


async def test_a_booked_case_links_to_its_appointment_and_its_etag_moves(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, session = await come_back(people)
    before = (await people.get(path, headers=session)).headers["etag"]
    unchanged = await people.get(path, headers=session | {"If-None-Match": before})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    case_id = await case_id_of(store, path)
    async with store.intake.transaction() as tx:
        await project([appointment(AppointmentBooked, case_id, 1, 1)], tx)
    after = await people.get(path, headers=session | {"If-None-Match": before})
    assert after.status_code == 200
    assert (after.json()["state"], after.json()["links"]["appointment"]) == (
        "booked",
        f"/v1/appointments/{HOUR}",
    )


async def test_whoever_raised_an_alarm_sees_whom_to_call_each_time(people: httpx2.AsyncClient) -> None:
    path, session = await come_back(people, item9=1)
    card = (await people.get(path, headers=session)).json()["crisis"]
    assert {"15", "115", "1122"} <= {line["dial"] for line in card["lines"]}
    withdrawn = await people.post(f"{path}/withdraw", json={}, headers=session)
    assert withdrawn.json()["crisis"] == card


async def test_a_wrong_pin_and_an_unknown_code_get_the_same_answer(people: httpx2.AsyncClient) -> None:
    accepted = (await ask(people, asking())).json()
    wrong = "000000" if accepted["pin"] != "000000" else "000001"
    [unknown] = case_codes(os.urandom(BYTES_PER_CODE))  # nobody else's tries count for it
    tries = [
        {"case_code": accepted["case_code"], "pin": wrong},
        {"case_code": unknown, "pin": accepted["pin"]},
        {"case_code": "not a code", "pin": "x"},
    ]
    answers = [await people.post("/v1/sessions", json=one) for one in tries]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["code"] == "wrong_code_or_pin"


async def test_many_wrong_tries_are_slowed_and_told_for_how_long(people: httpx2.AsyncClient) -> None:
    accepted = (await ask(people, asking())).json()
    spoken = accepted["case_code"].lower()
    answers = [
        await people.post("/v1/sessions", json={"case_code": spoken, "pin": "nonsense"}) for _ in range(4)
    ]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert answers[-1].headers["retry-after"] == "1"
    assert answers[-1].json()["crisis"]["lines"]


async def test_a_code_is_understood_as_it_was_spoken(people: httpx2.AsyncClient) -> None:
    accepted = (await ask(people, asking())).json()
    code = accepted["case_code"].lower()
    spoken = f"{code[:5]} {code[5:]}"
    answer = await people.post("/v1/sessions", json={"case_code": spoken, "pin": accepted["pin"]})
    assert answer.status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_without_a_token_or_with_a_bad_one_nothing_is_shown(
    people: httpx2.AsyncClient, token: Token, method: str
) -> None:
    path, _ = await come_back(people)
    path = path if method == "GET" else f"{path}/withdraw"
    forged = TokenSigner.__new__(TokenSigner)
    forged._key = OKPKey.generate_key("Ed25519", parameters={"kid": "test"}, private=True)

    foreign = {"Authorization": "Bearer " + forged.sign("x", "person", {}, now=time.time())}
    cases: list[tuple[dict[str, str], str]] = [
        ({}, "token_missing"),
        ({"Authorization": "Basic abc"}, "token_missing"),
        ({"Authorization": "Bearer nonsense"}, "token_invalid"),
        (token("person", minutes=-1), "token_expired"),
        (foreign, "token_invalid"),
    ]
    for headers, code in cases:
        answer = await people.request(method, path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, code)
        assert answer.json()["crisis"]["lines"]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_somebody_elses_case_and_an_unknown_one_look_alike(
    people: httpx2.AsyncClient, method: str
) -> None:
    path, _ = await come_back(people)
    _, other = await come_back(people)
    end = "" if method == "GET" else "/withdraw"
    answers = [
        await people.request(method, found + end, headers=other)
        for found in (path, "/v1/cases/0000000000", "/v1/cases/nonsense")
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.parametrize(
    ("role", "status"), [("coordinator", 200), ("duty_clinician", 200), ("operator", 403)]
)
async def test_staff_who_coordinate_care_may_look_and_operators_may_not(
    people: httpx2.AsyncClient, token: Token, role: str, status: int
) -> None:
    path, _ = await come_back(people)
    assert (await people.get(path, headers=token(role))).status_code == status


async def test_a_request_is_taken_back_in_either_process_and_twice_is_once(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, session = await come_back(people)
    body = {"reason": "found_other_help", "stop_contact": True}
    first = await duty.post(f"{path}/withdraw", json=body, headers=session)
    assert (first.status_code, first.json()["state"], first.json()["reason"]) == (200, "closed", "withdrawn")
    again = await people.post(f"{path}/withdraw", headers=session)
    assert again.content == first.content
    said = [one.type for one in await store.said(str(await case_id_of(store, path)))]
    assert said.count("intake.case_withdrawn.v1") == 1


async def test_a_reason_in_free_text_is_refused_because_it_would_travel(people: httpx2.AsyncClient) -> None:
    path, session = await come_back(people)
    answer = await people.post(f"{path}/withdraw", json={"reason": "my husband found out"}, headers=session)
    assert answer.status_code == 422
    assert "husband" not in answer.text


async def test_crisis_lines_need_nothing_at_all(people: httpx2.AsyncClient, duty: httpx2.AsyncClient) -> None:
    for client in (people, duty):
        body = (await client.get("/v1/crisis/lines?province=PK-SD&language=ur-Latn")).json()
        assert body["crisis"]["message"]["lang"] == "ur-Latn"
        assert body["crisis"]["lines"]
        assert body["good_to_know"]
    wrong = await duty.get("/v1/crisis/lines?language=xx")
    assert wrong.status_code == 422
    assert wrong.json()["crisis"]["lines"]


async def alarms_of(duty: httpx2.AsyncClient, headers: dict[str, str], **query: Any) -> list[dict[str, Any]]:
    """All pages."""
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        params = {"limit": 3, **query} | ({"cursor": cursor} if cursor else {})
        page = (await duty.get("/v1/alarms", params=params, headers=headers)).json()
        found += page["alarms"]
        cursor = page["next"]
        if cursor is None:
            return found


async def test_alarms_are_listed_by_when_they_are_due_page_by_page(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, token: Token
) -> None:
    paths = [(await come_back(people, item9))[0] for item9 in (1, 2, 1, 2)]
    clinician = token("duty_clinician", name="Asma")
    listed = await alarms_of(duty, clinician, state="unacknowledged")
    due = [one["due_by"] for one in listed]
    assert due == sorted(due)
    assert {path.rpartition("/")[2] for path in paths} <= {one["case_code"] for one in listed}
    assert len({one["alarm_id"] for one in listed}) == len(listed)


async def test_an_alarm_is_taken_and_closed_by_a_named_human_with_a_reason(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, token: Token
) -> None:
    path, _ = await come_back(people, item9=2)
    case_id = await case_id_of(store, path)
    alarm = await store.admin.fetchval("SELECT alarm_id FROM intake.alarms WHERE case_id = $1", case_id)
    asma, bilal = (token("duty_clinician", subject=name, name=name) for name in ("Asma", "Bilal"))
    at = f"/v1/alarms/{alarm}"
    closing = {"outcome": "reached_and_safe", "reason": "Spoke with her; her sister stays tonight."}

    assert (await duty.post(f"{at}/close", json=closing, headers=asma)).json()["code"] == "not_acknowledged"
    assert (await duty.post(f"{at}/acknowledge", headers=asma)).json() == {
        "state": "acknowledged",
        "by": "Asma",
    }
    assert (await duty.post(f"{at}/acknowledge", headers=bilal)).json()["code"] == "taken_by_another"
    for wrong in ({"outcome": "reached_and_safe"}, {"reason": "x" * 10}, {**closing, "reason": "  "}):
        assert (await duty.post(f"{at}/close", json=wrong, headers=asma)).status_code == 422
    closed = await duty.post(f"{at}/close", json=closing, headers=asma)
    assert closed.json() == {"state": "closed", "by": "Asma", "outcome": "reached_and_safe"}
    assert (await duty.post(f"{at}/close", json=closing, headers=asma)).status_code == 200
    [row] = [one for one in await alarms_of(duty, asma, state="closed") if one["alarm_id"] == str(alarm)]
    assert (row["acknowledged_name"], row["closed_name"]) == ("Asma", "Asma")
    assert "sister" not in str(await store.said(str(case_id)))


async def test_only_a_named_duty_clinician_gets_to_the_alarms(duty: httpx2.AsyncClient, token: Token) -> None:
    for role in ("person", "coordinator", "operator", "therapist"):
        assert (await duty.get("/v1/alarms", headers=token(role))).status_code == 403
    assert (await duty.get("/v1/alarms")).status_code == 401
    nameless = await duty.post(f"/v1/alarms/{uuid4()}/acknowledge", headers=token("duty_clinician"))
    assert (nameless.status_code, nameless.json()["code"]) == (403, "name_needed")
    named = token("duty_clinician", name="Asma")
    assert (await duty.post(f"/v1/alarms/{uuid4()}/acknowledge", headers=named)).status_code == 404
    no_zone = pack_cursor("2027-01-05T08:00:00", uuid4())  # a moment that no database could place
    for cursor in ("nonsense", no_zone):
        assert (await duty.get(f"/v1/alarms?cursor={cursor}", headers=named)).status_code == 422
    assert "crisis" not in (await duty.get("/v1/alarms")).json()


async def test_the_vault_gives_notifications_the_key_that_opens_the_address(
    people: httpx2.AsyncClient, vault: httpx2.AsyncClient, store: IntakeDatabase
) -> None:

    path, session = await come_back(people)
    row = await store.admin.fetchrow(
        "SELECT person_id, box FROM intake.cases JOIN intake.contacts USING (person_id) WHERE case_code = $1",
        path.rpartition("/")[2],
    )
    person, nobody = str(row["person_id"]), str(uuid4())
    asked = {"ids": [person, nobody], "purpose": "contact"}
    answer = (await vault.post("/internal/v1/keys", json=asked, headers=NOTIFICATIONS)).json()
    assert answer["refused"] == {nobody: "unknown"}
    place: dict[str, Any] = {"purpose": "contact", "person_id": row["person_id"], "field": "address"}
    key = base64.b64decode(answer["keys"][person])
    assert open_box(key, row["box"], version=1, **place) == b"+923991234567"

    await people.post(f"{path}/withdraw", json={"stop_contact": True}, headers=session)
    answer = (await vault.post("/internal/v1/keys", json=asked, headers=NOTIFICATIONS)).json()
    assert answer == {"keys": {}, "refused": {person: "stopped", nobody: "unknown"}}


async def test_a_service_gets_no_key_for_a_purpose_that_is_not_its_own(vault: httpx2.AsyncClient) -> None:
    asked = {"ids": [str(uuid4())], "purpose": "contact"}
    console = {"Authorization": "Bearer " + "c" * 32}
    assert (await vault.post("/internal/v1/keys", json=asked, headers=console)).status_code == 403
    answers = asked | {"purpose": "answers"}
    refused = await vault.post("/internal/v1/keys", json=answers, headers=NOTIFICATIONS)
    assert (refused.status_code, refused.json()["code"]) == (403, "purpose_not_allowed")
    assert (await vault.post("/internal/v1/keys", json=asked)).status_code == 401
    nonsense = {"Authorization": "Bearer nonsense"}
    assert (await vault.post("/internal/v1/keys", json=asked, headers=nonsense)).status_code == 401


@pytest.mark.parametrize("ids", [[], ["nonsense"], [str(UUID(int=n)) for n in range(501)]])
async def test_the_vault_answers_for_one_to_five_hundred_people(
    vault: httpx2.AsyncClient, ids: list[str]
) -> None:
    asked = {"ids": ids, "purpose": "contact"}
    assert (await vault.post("/internal/v1/keys", json=asked, headers=NOTIFICATIONS)).status_code == 422


async def test_the_published_keys_are_the_public_ones(people: httpx2.AsyncClient, secrets: Settings) -> None:
    body = (await people.get("/.well-known/jwks.json")).json()
    assert body == orjson.loads(secrets.token_public_key_file.read_bytes())
    assert "d" not in body["keys"][0]
