"""Pressing "help" over HTTP: always whom to call, an alarm where anybody can be called, and never two of them."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import httpx2
import orjson
import pytest

from shared.privacy import Sealer, open_box
from tests.intake.conftest import WRAPPING_KEY, IntakeDatabase
from tests.intake.test_over_http import case_id_of, come_back

Token = Callable[..., dict[str, str]]
PHONE = {"channel": "sms", "address": "0399 1234567"}


async def call(
    duty: httpx2.AsyncClient,
    body: dict[str, Any],
    session: dict[str, str] | None = None,
    key: str | None = None,
) -> httpx2.Response:
    headers = (session or {}) | {"Idempotency-Key": key or str(uuid4())}
    answer = await duty.post("/v1/crisis/help", json={"province": "PK-PB"} | body, headers=headers)
    assert {"15", "1122"} <= {line["dial"] for line in answer.json()["crisis"]["lines"]}
    return answer


async def alarms_of(store: IntakeDatabase, case_id: UUID) -> list[Any]:
    query = "SELECT * FROM intake.alarms WHERE case_id = $1 ORDER BY raised_at"
    return list(await store.admin.fetch(query, case_id))


async def sealed_contact(store: IntakeDatabase, alarm: Any) -> dict[str, Any]:
    wrapped = await store.admin.fetchval(
        "SELECT wrapped FROM vault.alarm_keys WHERE alarm_id = $1", alarm["alarm_id"]
    )
    place: dict[str, Any] = {"purpose": "alarm_contact", "person_id": alarm["person_id"], "field": "contact"}
    box = open_box(Sealer(WRAPPING_KEY).unwrap(wrapped), alarm["contact_box"], version=1, **place)
    found: dict[str, Any] = orjson.loads(box)
    return found


async def test_without_a_session_or_a_contact_nothing_is_made_and_the_card_is_there(
    duty: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    before = await store.rows()
    answer = await duty.post("/v1/crisis/help", json={"province": "PK-SD", "language": "ur-Latn"})
    assert answer.status_code == 200
    card = answer.json()["crisis"]
    assert (card["message"]["lang"], card["call_me"]["possible"]) == ("ur-Latn", False)
    assert card["lines"]
    inbox = await call(duty, {"contact": {"channel": "inbox"}})
    assert (inbox.status_code, inbox.json()["crisis"]["call_me"]["possible"]) == (200, False)
    assert await store.rows() == before


async def test_a_contact_alone_opens_a_case_that_waits_for_a_human_and_raises_the_gravest_alarm(
    duty: httpx2.AsyncClient, people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    answer = await call(duty, {"contact": PHONE | {"language": "ur"}})
    body = answer.json()
    assert (answer.status_code, answer.headers["cache-control"]) == (202, "no-store")
    assert body["crisis"]["call_me"] == {
        "possible": True, "staffed_now": None, "next_staffed_at": None, "within_minutes": 30,
    }  # fmt: skip
    assert body["crisis"]["message"]["lang"] == "ur-Latn"
    case_id = await case_id_of(store, body["status_url"])
    [alarm] = await alarms_of(store, case_id)
    assert (alarm["rule"], alarm["level"], alarm["reachable"]) == ("person_asked_for_help", "R3", True)
    assert (alarm["due_by"] - alarm["raised_at"]).total_seconds() == 30 * 60
    said = {one.type: one for one in await store.said(str(case_id))}
    assert said["intake.alarm_raised.v1"].lane == "crisis"
    assert said["intake.case_submitted.v1"].event["gate"] == "waits_for_human"
    assert await store.admin.fetchval("SELECT count(*) FROM intake.consents WHERE case_id = $1", case_id) == 0
    sent = {"case_code": body["case_code"], "pin": body["pin"]}
    token = (await people.post("/v1/sessions", json=sent)).json()["token"]
    stands = (await people.get(body["status_url"], headers={"Authorization": f"Bearer {token}"})).json()
    assert (stands["state"], stands["waiting_on"], stands["next_step"]) == (
        "held",
        "clinician",
        "expect_a_call",
    )


async def test_the_number_is_sealed_for_the_desk_and_stands_nowhere_in_clear(
    duty: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    body = (await call(duty, {"contact": PHONE})).json()
    case_id = await case_id_of(store, body["status_url"])
    [alarm] = await alarms_of(store, case_id)
    assert (await sealed_contact(store, alarm))["address"] == "+923991234567"
    everything = json.dumps([one.event for one in await store.said()]) + str(dict(alarm))
    for table in ("cases", "contacts", "idempotency_keys"):
        everything += str([dict(r) for r in await store.admin.fetch(f"SELECT * FROM intake.{table}")])
    assert "3991234567" not in everything
    assert body["pin"] not in str(await store.admin.fetch("SELECT response FROM intake.idempotency_keys"))


async def test_a_session_raises_one_alarm_on_its_case_however_often_help_is_pressed(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, session = await come_back(people)
    case_id = await case_id_of(store, path)
    answers = await asyncio.gather(*(call(duty, {}, session) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {202}
    assert all(answer.json()["crisis"]["call_me"]["possible"] for answer in answers)
    assert not any("pin" in answer.json() for answer in answers)
    assert len(await alarms_of(store, case_id)) == 1
    said = [one.type for one in await store.said(str(case_id))]
    assert said.count("intake.alarm_raised.v1") == 1
    assert (await people.get(path, headers=session)).json()["crisis"]["lines"]


async def test_an_alarm_of_an_answer_does_not_stand_for_the_call_and_after_closing_there_is_a_new_one(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, token: Token
) -> None:
    path, session = await come_back(people, item9=1)
    case_id = await case_id_of(store, path)
    await call(duty, {}, session)
    first, second = await alarms_of(store, case_id)
    assert (first["rule"], second["rule"]) == ("phq9_item9_any", "person_asked_for_help")
    asma = token("duty_clinician", subject="s-1", name="Asma")
    at = f"/v1/alarms/{second['alarm_id']}"
    await duty.post(f"{at}/acknowledge", headers=asma)
    await call(duty, {}, session)
    assert len(await alarms_of(store, case_id)) == 2
    await duty.post(f"{at}/close", json={"outcome": "reached_and_safe", "reason": "Spoke."}, headers=asma)
    await call(duty, {}, session)
    assert len(await alarms_of(store, case_id)) == 3


async def test_where_to_be_reached_now_is_kept_with_the_alarm_and_the_newest_counts(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, token: Token
) -> None:
    path, session = await come_back(people)
    case_id = await case_id_of(store, path)
    await call(duty, {}, session)
    for number in ("03991111111", "03992222222"):
        await call(duty, {"contact": {"channel": "sms", "address": number}}, session)
    [alarm] = await alarms_of(store, case_id)
    assert (await sealed_contact(store, alarm))["address"] == "+923992222222"
    asma = token("duty_clinician", subject="s-1", name="Asma")
    at = f"/v1/alarms/{alarm['alarm_id']}"
    await duty.post(f"{at}/acknowledge", headers=asma)
    await duty.post(f"{at}/close", json={"outcome": "reached_and_safe", "reason": "Spoke."}, headers=asma)
    [closed] = await alarms_of(store, case_id)
    keys = "SELECT count(*) FROM vault.alarm_keys WHERE alarm_id = $1"
    assert (closed["contact_box"], await store.admin.fetchval(keys, closed["alarm_id"])) == (None, 0)


async def test_a_code_without_a_session_raises_the_alarm_with_the_contact_we_have_and_opens_nothing(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, _ = await come_back(people)
    code = path.rpartition("/")[2]
    answer = await call(duty, {"case_code": f"{code[:5]}-{code[5:].lower()}"})
    assert (answer.status_code, set(answer.json())) == (202, {"crisis"})
    [alarm] = await alarms_of(store, await case_id_of(store, path))
    assert (alarm["contact_box"], alarm["reachable"]) == (None, True)


async def test_a_code_cannot_put_another_number_on_somebody_elses_case(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, _ = await come_back(people)
    answer = await call(duty, {"case_code": path.rpartition("/")[2], "contact": PHONE})
    assert answer.json()["status_url"] != path
    assert await alarms_of(store, await case_id_of(store, path)) == []


async def test_a_code_nobody_has_raises_nothing_and_promises_no_call(
    duty: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    before = await store.rows()
    for code in ("0000000000", "nonsense", "x" * 500):
        answer = await call(duty, {"case_code": code})
        assert (answer.status_code, answer.json()["crisis"]["call_me"]["possible"]) == (200, False)
    assert await store.rows() == before


async def test_a_session_that_has_ended_turns_nobody_away(
    duty: httpx2.AsyncClient, store: IntakeDatabase, token: Token
) -> None:
    for headers in (
        token("person", minutes=-1, case_id=str(uuid4())),
        {"Authorization": "Bearer x"},
        token("coordinator"),
    ):
        assert (await call(duty, {}, headers)).status_code == 200
        assert (await call(duty, {"contact": PHONE}, headers)).status_code == 202


async def test_who_wants_no_messages_is_promised_no_call_without_a_new_contact(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    path, session = await come_back(people)
    await people.post(f"{path}/withdraw", json={"stop_contact": True}, headers=session)
    answer = await call(duty, {}, session)
    assert (answer.status_code, answer.json()["crisis"]["call_me"]["possible"]) == (202, False)
    answer = await call(duty, {"contact": PHONE}, session)
    assert answer.json()["crisis"]["call_me"]["possible"] is True
    [alarm] = await alarms_of(store, await case_id_of(store, path))
    assert alarm["reachable"] is True


async def test_the_same_call_sent_again_is_one_case_and_has_the_same_answer(
    duty: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    key, body = str(uuid4()), {"contact": PHONE}
    first = await call(duty, body, key=key)
    before = await store.rows()
    again = await call(duty, body, key=key)
    assert (again.status_code, again.json()) == (202, first.json())
    other = await call(duty, {"contact": PHONE | {"address": "03997654321"}}, key=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert await store.rows() == before


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"province": "Punjab"}, "/province"),
        ({"language": "fr"}, "/language"),
        ({"contact": {"channel": "sms"}}, "/contact/address"),
        ({"contact": {"channel": "sms", "address": "12"}}, "/contact/address"),
        ({"contact": PHONE | {"script": "Arab"}}, "/contact/script"),
        (
            {"contact": PHONE | {"safe_windows": [{"day": 1, "start": "20:00", "end": "08:00"}]}},
            "/contact/safe_windows/0/end",
        ),
        ({"why": "I cannot go on"}, "/why"),
    ],
)
async def test_what_cannot_be_used_is_named_by_field_and_the_card_is_there_all_the_same(
    duty: httpx2.AsyncClient, store: IntakeDatabase, body: dict[str, Any], pointer: str
) -> None:
    before = await store.rows()
    answer = await call(duty, body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert "cannot go on" not in answer.text
    assert await store.rows() == before


async def test_a_call_that_makes_something_needs_a_key(
    duty: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    before = await store.rows()
    answer = await duty.post("/v1/crisis/help", json={"province": "PK-PB", "contact": PHONE})
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_needed")
    assert answer.json()["crisis"]["lines"]
    assert await store.rows() == before


async def test_calls_that_come_together_do_not_mix(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    mine = [await come_back(people) for _ in range(3)]
    answers = await asyncio.gather(
        *(call(duty, {}, session) for _, session in mine),
        *(call(duty, {"contact": PHONE}) for _ in range(4)),
        call(duty, {"case_code": "0000000000"}),
    )
    assert [answer.status_code for answer in answers] == [202] * 7 + [200]
    assert len({answer.json()["case_code"] for answer in answers[3:7]}) == 4
    for path, _ in mine:
        assert len(await alarms_of(store, await case_id_of(store, path))) == 1


async def test_the_published_examples_of_help_are_accepted(duty: httpx2.AsyncClient) -> None:
    described = (await duty.get("/openapi.json")).json()["paths"]["/v1/crisis/help"]["post"]
    for example in described["requestBody"]["content"]["application/json"]["examples"].values():
        assert (await call(duty, example["value"])).status_code in (200, 202)


async def test_whoever_calls_beside_a_case_that_somebody_holds_is_put_through(
    duty: httpx2.AsyncClient, people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    """A worker that was frozen has the case of one of them: they are told to try again, and nobody else is."""
    path, session = await come_back(people)
    case_id = await case_id_of(store, path)
    async with store.admin.transaction():
        await store.admin.execute("SELECT FROM intake.cases WHERE case_id = $1 FOR UPDATE", case_id)
        both = [asyncio.create_task(call(duty, {}, session)) for _ in range(2)]  # these two hold up the rest
        await asyncio.sleep(0.2)
        held = asyncio.create_task(call(duty, {}, session))
        other = asyncio.create_task(call(duty, {"contact": PHONE}))
        statuses = [one.status_code for one in await asyncio.gather(*both, held, other)]
    assert statuses == [503, 503, 503, 202]
