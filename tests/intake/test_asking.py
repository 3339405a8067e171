"""Asking for care over HTTP: accepted once, whatever the line does, and with whom to call if it matters."""

import asyncio
import copy
import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from services.intake.api.requests import EXAMPLE, SMALLEST
from services.intake.domain.codes import read_case_code
from services.intake.domain.policy import Policy
from tests.intake.conftest import IntakeDatabase


def asking(item9: int | None = 0, **changes: Any) -> dict[str, Any]:
    """The published example with other answers or fields."""
    body = copy.deepcopy(EXAMPLE) | changes
    body["answers"] = {"phq9": [0, 1, 2, 0, 1, 0, 1, 0, item9]}
    return body


async def ask(people: httpx2.AsyncClient, body: Any, key: str | None = None) -> httpx2.Response:
    return await people.post("/v1/cases", json=body, headers={"Idempotency-Key": key or str(uuid4())})


async def test_a_request_is_accepted_with_a_code_a_pin_and_where_to_look(people: httpx2.AsyncClient) -> None:
    answer = await ask(people, asking())
    assert answer.status_code == 202
    body = answer.json()
    assert set(body) == {"case_code", "pin", "status_url"}
    assert read_case_code(body["case_code"]) == body["case_code"]
    assert len(body["pin"]) == 6
    assert answer.headers["location"] == body["status_url"] == f"/v1/cases/{body['case_code']}"
    assert answer.headers["cache-control"] == "no-store"


async def test_the_smallest_request_is_under_ten_lines_and_accepted(people: httpx2.AsyncClient) -> None:
    shown = json.dumps(SMALLEST).replace(', "', ',\n"')
    assert len(shown.splitlines()) < 10
    assert (await ask(people, SMALLEST)).status_code == 202


async def test_an_alarm_brings_the_crisis_card_and_a_quiet_answer_does_not(
    people: httpx2.AsyncClient,
) -> None:
    cards = [(await ask(people, asking(item9))).json().get("crisis") for item9 in (0, 1, 3)]
    assert cards[0] is None
    assert cards[1] == cards[2]
    assert {"15", "115", "1122"} <= {line["dial"] for line in cards[1]["lines"]}
    assert not {"level", "score", "total", "item"} & set(cards[1])


async def test_one_yes_read_aloud_brings_the_crisis_card_and_an_alarm(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    body = asking() | {"answers": {"srq20": [int(item == 17) for item in range(1, 21)]}}
    answer = await ask(people, body)
    assert answer.status_code == 202
    assert answer.json()["crisis"]["lines"]
    alarm = await store.admin.fetchrow(
        "SELECT level, rule FROM intake.alarms JOIN intake.cases USING (case_id) WHERE case_code = $1",
        answer.json()["case_code"],
    )
    assert tuple(alarm) == ("R2", "srq20_item17")


async def test_who_says_they_are_not_safe_gets_the_card_at_once_and_a_human_the_same_day(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    answer = await ask(people, SMALLEST | {"red_flags": ["violence"]})
    assert answer.status_code == 202
    assert answer.json()["crisis"]["lines"]
    alarm = await store.admin.fetchrow(
        "SELECT level, rule, due_by - raised_at AS within FROM intake.alarms JOIN intake.cases USING (case_id)"
        " WHERE case_code = $1",
        answer.json()["case_code"],
    )
    assert tuple(alarm) == ("R2", "flag_violence", timedelta(hours=4))


async def test_each_of_several_questionnaires_is_kept_sealed_and_gender_only_inside(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    answers = {"gad7": [3] * 7, "who5": [0] * 5, "audit_c": [1, 1, 1], "pc_ptsd5": [0] + [None] * 5}
    answer = await ask(people, asking() | {"answers": answers, "gender": "man"})
    kept = await store.admin.fetch(
        "SELECT instrument, to_jsonb(c)::text || to_jsonb(a)::text AS text FROM intake.answers a"
        " JOIN intake.cases c USING (case_id) WHERE case_code = $1 ORDER BY instrument",
        answer.json()["case_code"],
    )
    assert [row["instrument"] for row in kept] == sorted(answers)
    assert not any('"man"' in row["text"] for row in kept)
    assert not any("'man'" in str(one.event) for one in await store.said())


async def test_the_card_is_in_the_language_of_the_person(people: httpx2.AsyncClient) -> None:
    contact = EXAMPLE["contact"] | {"language": "ur"}
    card = (await ask(people, asking(2, contact=contact))).json()["crisis"]
    assert card["message"]["lang"] == "ur-Latn"
    assert card["next"][0]["href"] == "/v1/crisis/lines?language=ur-Latn&province=PK-PB"


async def test_the_same_post_again_has_the_same_answer_and_makes_nothing_new(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    key, body = str(uuid4()), asking(2)
    first = await ask(people, body, key)
    before = await store.rows()
    again = await ask(people, body, key)
    assert (again.status_code, again.content, again.headers["location"]) == (
        202,
        first.content,
        first.headers["location"],
    )
    assert await store.rows() == before


async def test_a_quoted_key_is_the_same_key(people: httpx2.AsyncClient) -> None:
    key, body = str(uuid4()), asking()
    assert (await ask(people, body, key)).content == (await ask(people, body, f'"{key}"')).content


async def test_what_is_kept_for_a_replay_holds_no_pin_and_no_address(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    key = str(uuid4())
    pin = (await ask(people, asking(), key)).json()["pin"]
    kept = await store.admin.fetchrow("SELECT * FROM intake.idempotency_keys WHERE key = $1", key)
    assert pin not in kept["response"].decode()
    assert "399" not in kept["response"].decode()


async def test_the_same_key_with_another_body_is_refused(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    key = str(uuid4())
    await ask(people, asking(), key)
    before = await store.rows()
    refused = await ask(people, asking(1), key)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert refused.json()["crisis"]["lines"]
    assert await store.rows() == before


async def test_the_same_key_twice_at_once_makes_one_case_and_one_in_flight(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    key, body = str(uuid4()), asking()
    count = "SELECT count(*) FROM intake.cases"
    before = await store.admin.fetchval(count)
    answers = await asyncio.gather(*(ask(people, body, key) for _ in range(5)))
    statuses = sorted(answer.status_code for answer in answers)
    assert set(statuses) <= {202, 409}
    assert statuses[0] == 202
    assert all(answer.json()["code"] == "in_flight" for answer in answers if answer.status_code == 409)
    assert await store.admin.fetchval(count) == before + 1
    assert (await ask(people, body, key)).status_code == 202


async def test_many_at_once_share_transactions_and_each_gets_its_own_case(
    people: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    answers = await asyncio.gather(*(ask(people, asking(place % 3)) for place in range(120)))
    codes = [answer.json()["case_code"] for answer in answers]
    assert len(set(codes)) == 120
    rows = await store.admin.fetch("SELECT xmin::text FROM intake.cases WHERE case_code = ANY ($1)", codes)
    assert len({row["xmin"] for row in rows}) < 60
    alarmed = "SELECT count(*) FROM intake.cases WHERE alarmed AND case_code = ANY ($1)"
    assert await store.admin.fetchval(alarmed, codes) == 80


async def test_a_minor_is_accepted_and_held(people: httpx2.AsyncClient, store: IntakeDatabase) -> None:
    code = (await ask(people, asking(age_band="13-17"))).json()["case_code"]
    gate = "SELECT gate FROM intake.cases WHERE case_code = $1"
    assert await store.admin.fetchval(gate, code) == "waits_for_consent"


async def test_the_reference_says_what_may_be_chosen_and_that_nobody_has_signed_it(
    people: httpx2.AsyncClient, policy: Policy
) -> None:
    answer = await people.get("/v1/reference")
    body = answer.json()
    assert {"name": "Lahore", "province": "PK-PB"} in body["cities"]
    offered = {one["id"]: one for one in body["instruments"]}
    assert set(offered) == {"phq9", "phq2", "gad7", "gad2", "srq20", "who5", "pc_ptsd5", "audit_c"}
    assert offered["pc_ptsd5"] == {
        "id": "pc_ptsd5",
        "version": "1",
        "name": "PC-PTSD-5",
        "items": 6,
        "least": 0,
        "most": 1,
        "has_gate": True,
        "ages": None,
        "text_status": "not_bundled",
    }
    assert "clinician" in body["banner"]
    assert set(body["unsigned"]) == set(policy.unsigned)
    again = await people.get("/v1/reference", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


async def test_the_published_description_shows_requests_that_are_accepted(people: httpx2.AsyncClient) -> None:
    described = (await people.get("/openapi.json")).json()
    content = described["paths"]["/v1/cases"]["post"]["requestBody"]["content"]["application/json"]
    for example in content["examples"].values():
        assert (await ask(people, example["value"])).status_code == 202


async def test_asking_in_a_crisis_needs_no_alarm_to_be_told_whom_to_call(duty: httpx2.AsyncClient) -> None:
    answer = await duty.post("/v1/crisis/cases", json=SMALLEST, headers={"Idempotency-Key": str(uuid4())})
    assert answer.status_code == 202
    assert {"15", "1122"} <= {line["dial"] for line in answer.json()["crisis"]["lines"]}


async def test_who_gets_no_answer_and_asks_again_in_the_crisis_process_has_one_case(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase
) -> None:
    key, body = str(uuid4()), asking(2)
    first = await ask(people, body, key)
    before = await store.rows()
    again = await duty.post("/v1/crisis/cases", json=body, headers={"Idempotency-Key": key})
    assert again.status_code == 202
    assert (again.json()["case_code"], again.json()["pin"]) == (
        first.json()["case_code"],
        first.json()["pin"],
    )
    assert await store.rows() == before


@pytest.mark.parametrize("wrong", [{"red_flags": ["x"]}, {"languages": []}, {"nickname": "x"}])
async def test_a_wrong_field_in_a_crisis_is_named_and_whom_to_call_is_told(
    duty: httpx2.AsyncClient, store: IntakeDatabase, wrong: dict[str, Any]
) -> None:
    before = await store.rows()
    headers = {"Idempotency-Key": str(uuid4())}
    answer = await duty.post("/v1/crisis/cases", json=SMALLEST | wrong, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"]
    assert answer.json()["crisis"]["lines"]
    assert await store.rows() == before
