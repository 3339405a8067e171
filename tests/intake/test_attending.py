"""Between taking an alarm and closing it, over HTTP: attempts, levels, and what the next clinician reads of them."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from services.intake.domain.alarms import Staff
from services.intake.domain.policy import Policy
from services.intake.handlers.attending import Judging, change_levels
from tests.intake.conftest import IntakeDatabase
from tests.intake.test_asking import ask, asking

Token = Callable[..., dict[str, str]]


async def an_alarm(people: httpx2.AsyncClient, store: IntakeDatabase, item9: int = 2) -> tuple[str, str]:
    """The path and the case of a new alarm: R1 for 1, R2 for 2."""
    code = (await ask(people, asking(item9))).json()["case_code"]
    row = await store.admin.fetchrow(
        "SELECT alarm_id, case_id FROM intake.alarms JOIN intake.cases USING (case_id) WHERE case_code = $1",
        code,
    )
    return f"/v1/alarms/{row['alarm_id']}", str(row["case_id"])


def keyed(headers: dict[str, str], key: str | None = None) -> dict[str, str]:
    return headers | {"Idempotency-Key": key or str(uuid4())}


@pytest.fixture
def asma(token: Token) -> dict[str, str]:
    return token("duty_clinician", subject="s-asma", name="Asma")


@pytest.fixture
def bilal(token: Token) -> dict[str, str]:
    return token("duty_clinician", subject="s-bilal", name="Bilal")


async def test_each_attempt_is_kept_with_its_note_and_told_without_it(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase,
    asma: dict[str, str], bilal: dict[str, str],
) -> None:  # fmt: skip
    at, case_id = await an_alarm(people, store)
    nobody = await duty.post(f"{at}/attempts", json={"outcome": "no_answer"}, headers=keyed(asma))
    assert (nobody.status_code, nobody.json()["by"]) == (201, "Asma")
    note = {"outcome": "answered_by_another", "note": "Her brother.\nAsk for her at eight."}
    assert (await duty.post(f"{at}/attempts", json=note, headers=keyed(bilal))).status_code == 201
    said = [one for one in await store.said(case_id) if one.type == "intake.alarm_attempted.v1"]
    assert [(one.lane, one.event["staff_id"], one.event["outcome"]) for one in said] == [
        ("crisis", "s-asma", "no_answer"),
        ("crisis", "s-bilal", "answered_by_another"),
    ]
    assert "brother" not in str(said)
    whole = (await duty.get(at, headers=asma)).json()
    assert [(one["by_name"], one["outcome"], one["note"]) for one in whole["attempts"]] == [
        ("Asma", "no_answer", None),
        ("Bilal", "answered_by_another", note["note"]),
    ]
    assert whole["state"] == "open"


async def test_the_list_shows_how_often_it_was_tried_and_the_last_time_and_no_note(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    at, _ = await an_alarm(people, store)
    other, _ = await an_alarm(people, store)
    for outcome in ("line_busy", "call_back_agreed"):
        body = {"outcome": outcome, "note": "Private."}
        await duty.post(f"{at}/attempts", json=body, headers=keyed(asma))
    answer = await duty.get("/v1/alarms?limit=200", headers=asma)
    assert "Private" not in answer.text
    rows = {f"/v1/alarms/{one['alarm_id']}": one for one in answer.json()["alarms"]}
    assert rows[at]["attempts"]["count"] == 2
    assert rows[at]["attempts"]["last"]["outcome"] == "call_back_agreed"
    assert rows[at]["attempts"]["last"]["by_name"] == "Asma"
    assert rows[other]["attempts"] == {"count": 0, "last": None}


async def test_an_attempt_that_is_sent_again_is_one_and_with_another_body_or_alarm_refused(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase,
    asma: dict[str, str], bilal: dict[str, str],
) -> None:  # fmt: skip
    at, case_id = await an_alarm(people, store)
    other, _ = await an_alarm(people, store)
    headers, body = keyed(asma, str(uuid4())), {"outcome": "no_answer"}
    first = await duty.post(f"{at}/attempts", json=body, headers=headers)
    again = await duty.post(f"{at}/attempts", json=body, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    for path, sent, who in (
        (at, {"outcome": "reached"}, asma),
        (other, body, asma),
        (at, body, bilal),
    ):
        answer = await duty.post(
            f"{path}/attempts", json=sent, headers=keyed(who, headers["Idempotency-Key"])
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    count = "SELECT count(*) FROM intake.alarm_attempts JOIN intake.alarms USING (alarm_id) WHERE case_id::text = $1"
    assert await store.admin.fetchval(count, case_id) == 1
    said = [one.type for one in await store.said(case_id)]
    assert said.count("intake.alarm_attempted.v1") == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/outcome"),
        ({"outcome": "went_well"}, "/outcome"),
        ({"outcome": "reached", "note": "x" * 2001}, "/note"),
        ({"outcome": "reached", "note": "a\u0000b"}, "/note"),
        ({"outcome": "reached", "to": "03991234567"}, "/to"),
    ],
)
async def test_an_attempt_nobody_could_read_is_refused_by_field(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str],
    body: dict[str, Any], pointer: str,
) -> None:  # fmt: skip
    at, _ = await an_alarm(people, store)
    before = await store.rows()
    answer = await duty.post(f"{at}/attempts", json=body, headers=keyed(asma))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert (await duty.post(f"{at}/attempts", json={"outcome": "reached"}, headers=asma)).status_code == 400
    assert await store.rows() == before


async def test_a_level_is_raised_freely_and_lowered_with_a_reason_only(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    at, case_id = await an_alarm(people, store, item9=1)
    before = (await duty.get(at, headers=asma)).json()
    raised = await duty.post(f"{at}/level", json={"level": "R3"}, headers=asma)
    assert (raised.status_code, raised.json()["level"]) == (200, "R3")
    assert datetime.fromisoformat(raised.json()["due_by"]) < datetime.fromisoformat(before["due_by"])
    for silent in ({"level": "R2"}, {"level": "R2", "reason": "  "}, {"level": "R2", "reason": None}):
        answer = await duty.post(f"{at}/level", json=silent, headers=asma)
        assert (answer.status_code, answer.json()["code"]) == (422, "reason_needed")
        assert answer.json()["errors"][0]["pointer"] == "/reason"
    lowered = {"level": "R2", "reason": "Her sister stays tonight."}
    answer = await duty.post(f"{at}/level", json=lowered, headers=asma)
    assert (answer.status_code, answer.json()["level"]) == (200, "R2")
    again = await duty.post(f"{at}/level", json=lowered, headers=asma)
    assert again.json() == answer.json()
    said = [one for one in await store.said(case_id) if one.type == "intake.alarm_level_changed.v1"]
    assert [(one.lane, one.event["level"]) for one in said] == [("crisis", "R3"), ("crisis", "R2")]
    assert said[-1].event["due_by"].replace("Z", "+00:00") == answer.json()["due_by"]
    assert "sister" not in str(said)


async def test_the_whole_alarm_tells_who_did_what_in_order_and_never_an_answer(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase,
    asma: dict[str, str], bilal: dict[str, str],
) -> None:  # fmt: skip
    at, _ = await an_alarm(people, store)
    await duty.post(f"{at}/attempts", json={"outcome": "no_answer"}, headers=keyed(bilal))
    await duty.post(f"{at}/acknowledge", headers=asma)
    await duty.post(f"{at}/level", json={"level": "R3"}, headers=asma)
    await duty.post(f"{at}/attempts", json={"outcome": "reached"}, headers=keyed(asma))
    closing = {"outcome": "reached_and_safe", "reason": "Spoke with her."}
    assert (await duty.post(f"{at}/close", json=closing, headers=asma)).status_code == 200
    answer = await duty.get(at, headers=bilal)
    assert answer.headers["cache-control"] == "no-store"
    whole = answer.json()
    assert set(whole) == {
        "alarm_id", "reference", "case_code", "level", "rule", "state", "raised_at", "due_by", "overdue", "reachable", "province",
        "languages", "acknowledged_by", "acknowledged_name", "acknowledged_at", "closed_by", "closed_name",
        "closed_at", "outcome", "confirmed", "attempts", "history",
    }  # fmt: skip
    assert [(one["what"], one.get("by_name")) for one in whole["history"]] == [
        ("raised", None),
        ("attempted", "Bilal"),
        ("acknowledged", "Asma"),
        ("level_changed", "Asma"),
        ("attempted", "Asma"),
        ("closed", "Asma"),
    ]
    assert whole["history"][3]["level_before"] == "R2"
    assert whole["history"][5]["reason"] == "Spoke with her."


async def test_a_closed_alarm_takes_no_attempt_and_no_level(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    at, _ = await an_alarm(people, store)
    await duty.post(f"{at}/acknowledge", headers=asma)
    await duty.post(f"{at}/close", json={"outcome": "raised_in_error", "reason": "A test."}, headers=asma)
    before = await store.rows()
    headers = keyed(asma)
    for path, body in (("attempts", {"outcome": "reached"}), ("level", {"level": "R3"})):
        answer = await duty.post(f"{at}/{path}", json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (409, "closed_already")
    assert await store.rows() == before


async def test_only_a_named_duty_clinician_may_act_or_read_one(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, token: Token
) -> None:
    at, _ = await an_alarm(people, store)
    bodies = {"attempts": {"outcome": "reached"}, "level": {"level": "R3"}}
    for role in ("person", "coordinator", "operator", "therapist"):
        assert (await duty.get(at, headers=token(role, name="X"))).status_code == 403
        for path, body in bodies.items():
            answer = await duty.post(f"{at}/{path}", json=body, headers=keyed(token(role, name="X")))
            assert answer.status_code == 403
    assert (await duty.get(at)).status_code == 401
    nameless, named = token("duty_clinician"), token("duty_clinician", name="Asma")
    for path, body in bodies.items():
        assert (await duty.post(f"{at}/{path}", json=body)).status_code == 401
        answer = await duty.post(f"{at}/{path}", json=body, headers=keyed(nameless))
        assert (answer.status_code, answer.json()["code"]) == (403, "name_needed")
        nowhere = await duty.post(f"/v1/alarms/{uuid4()}/{path}", json=body, headers=keyed(named))
        assert (nowhere.status_code, nowhere.json()["code"]) == (404, "alarm_not_found")
    assert (await duty.get(f"/v1/alarms/{uuid4()}", headers=named)).status_code == 404
    assert (await duty.get("/v1/alarms/nonsense", headers=named)).status_code == 422


async def test_an_alarm_nobody_took_in_time_is_marked_until_somebody_does(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    at, case_id = await an_alarm(people, store)
    assert (await duty.get(at, headers=asma)).json()["overdue"] is False
    late = "UPDATE intake.alarms SET due_by = now() - interval '1 minute' WHERE case_id::text = $1"
    await store.admin.execute(late, case_id)
    listed = (await duty.get("/v1/alarms?limit=200", headers=asma)).json()["alarms"]
    assert [one["overdue"] for one in listed if at.endswith(one["alarm_id"])] == [True]
    await duty.post(f"{at}/acknowledge", headers=asma)
    assert (await duty.get(at, headers=asma)).json()["overdue"] is False


async def test_two_who_judge_at_once_are_taken_one_after_the_other(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, policy: Policy,
    asma: dict[str, str],
) -> None:  # fmt: skip
    at, case_id = await an_alarm(people, store, item9=1)
    alarm_id = await store.admin.fetchval(
        "SELECT alarm_id FROM intake.alarms WHERE case_id::text = $1", case_id
    )
    staff = Staff("s-1", "Asma")
    async with store.intake.transaction() as tx:
        judged = await change_levels(
            [Judging(alarm_id, staff, "R3", None), Judging(alarm_id, staff, "R2", None),
             Judging(alarm_id, staff, "R2", "Calmer now.")],
            tx, policy.alarms, policy.gates,
        )  # fmt: skip
    assert [one.verdict for one in judged if one] == ["done", "reason_needed", "done"]
    whole = (await duty.get(at, headers=asma)).json()
    assert whole["level"] == "R2"
    assert timedelta(hours=3) < datetime.fromisoformat(whole["due_by"]) - datetime.fromisoformat(
        whole["raised_at"]
    )
    raises = [duty.post(f"{at}/level", json={"level": "R3"}, headers=asma) for _ in range(5)]
    assert {answer.status_code for answer in await asyncio.gather(*raises)} == {200}
    changes = "SELECT count(*) FROM intake.alarm_level_changes WHERE alarm_id = $1"
    assert await store.admin.fetchval(changes, alarm_id) == 3


async def test_the_examples_of_the_published_description_are_accepted(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    paths = (await duty.get("/openapi.json")).json()["paths"]
    at, _ = await an_alarm(people, store)
    await duty.post(f"{at}/acknowledge", headers=asma)
    for path in ("attempts", "level", "handover", "close"):
        described = paths[f"/v1/alarms/{{alarm_id}}/{path}"]["post"]["requestBody"]["content"]
        for example in described["application/json"]["examples"].values():
            answer = await duty.post(f"{at}/{path}", json=example["value"], headers=keyed(asma))
            assert answer.status_code in (200, 201)


def to(staff: str, name: str, reason: str = "My shift ends.") -> dict[str, str]:
    return {"to_id": staff, "to_name": name, "reason": reason}


async def test_an_alarm_goes_to_a_named_colleague_for_a_reason_that_stays_at_the_desk(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase,
    asma: dict[str, str], bilal: dict[str, str],
) -> None:  # fmt: skip
    at, case_id = await an_alarm(people, store)
    body = to("s-bilal", "Bilal", "Her sister calls back at six.")
    nobody_has_it = await duty.post(f"{at}/handover", json=body, headers=asma)
    assert (nobody_has_it.status_code, nobody_has_it.json()["code"]) == (409, "not_acknowledged")
    await duty.post(f"{at}/acknowledge", headers=asma)
    for _ in range(2):  # twice is once
        given = await duty.post(f"{at}/handover", json=body, headers=asma)
        assert (given.status_code, given.json()) == (
            200, {"state": "acknowledged", "by": "Bilal", "confirmed": False},
        )  # fmt: skip
    whole = (await duty.get(at, headers=asma)).json()
    assert (whole["acknowledged_by"], whole["acknowledged_name"]) == ("s-bilal", "Bilal")
    taken, handed_over = [one for one in whole["history"] if one["what"] != "raised"]
    assert (taken["what"], taken["by"], taken["by_name"]) == ("acknowledged", "s-asma", "Asma")
    assert (handed_over["by"], handed_over["from"], handed_over["to"]) == ("s-asma", "s-asma", "s-bilal")
    assert handed_over["reason"] == "Her sister calls back at six."
    said = [one for one in await store.said(case_id) if one.type == "intake.alarm_handed_over.v1"]
    assert [(one.lane, one.event["staff_id"], one.event["to_staff_id"]) for one in said] == [
        ("crisis", "s-asma", "s-bilal")
    ]
    assert "sister" not in str(said)
    assert (await duty.get(f"{at}/contact", headers=asma)).json()["code"] == "take_it_first"
    assert (await duty.get(f"{at}/contact", headers=bilal)).status_code != 403
    done = {"outcome": "reached_and_safe", "reason": "Spoke with her."}
    assert (await duty.post(f"{at}/close", json=done, headers=bilal)).status_code == 200
    late = await duty.post(f"{at}/handover", json=to("s-3", "Careem"), headers=bilal)
    assert (late.status_code, late.json()["code"]) == (409, "closed_already")


async def test_whoever_fell_ill_can_be_relieved_by_a_colleague_in_the_colleagues_name(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase,
    asma: dict[str, str], bilal: dict[str, str],
) -> None:  # fmt: skip
    at, _ = await an_alarm(people, store)
    await duty.post(f"{at}/acknowledge", headers=asma)
    assert (await duty.post(f"{at}/handover", json=to("s-bilal", "Bilal"), headers=bilal)).status_code == 200
    last = (await duty.get(at, headers=asma)).json()["history"][-1]
    assert (last["by"], last["from"], last["to"]) == ("s-bilal", "s-asma", "s-bilal")


async def test_two_who_hand_over_at_once_are_taken_one_after_the_other(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str]
) -> None:
    at, _ = await an_alarm(people, store)
    await duty.post(f"{at}/acknowledge", headers=asma)
    giving = [duty.post(f"{at}/handover", json=to(f"s-{n}", f"N{n}"), headers=asma) for n in range(4)]
    assert {answer.status_code for answer in await asyncio.gather(*giving)} == {200}
    whole = (await duty.get(at, headers=asma)).json()
    given = [one for one in whole["history"] if one["what"] == "handed_over"]
    assert len(given) == 4
    # A chain without gaps, in whatever order they came: each has it from the one before.
    pairs = {one["from"]: one["to"] for one in given}
    holder = "s-asma"
    for _ in given:
        holder = pairs[holder]
    assert holder == whole["acknowledged_by"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"to_id": ""}, "/to_id"),
        ({"to_name": " "}, "/to_name"),
        ({"to_name": None}, "/to_name"),
        ({"reason": ""}, "/reason"),
        ({"reason": "  \n "}, "/reason"),
        ({"reason": "a\u0007larm"}, "/reason"),
        ({"why": "x"}, "/why"),
    ],
)
async def test_a_handover_that_names_nobody_or_no_reason_is_refused_by_field(
    people: httpx2.AsyncClient, duty: httpx2.AsyncClient, store: IntakeDatabase, asma: dict[str, str],
    change: dict[str, Any], pointer: str,
) -> None:  # fmt: skip
    at, _ = await an_alarm(people, store)
    await duty.post(f"{at}/acknowledge", headers=asma)
    before = await store.rows()
    answer = await duty.post(f"{at}/handover", json=to("s-bilal", "Bilal") | change, headers=asma)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert await store.rows() == before


async def test_an_alarm_that_is_not_there_is_handed_to_nobody(
    duty: httpx2.AsyncClient, asma: dict[str, str], token: Token
) -> None:
    at = f"/v1/alarms/{uuid4()}/handover"
    assert (await duty.post(at, json=to("s-bilal", "Bilal"), headers=asma)).status_code == 404
    nameless = await duty.post(at, json=to("s-bilal", "Bilal"), headers=token("duty_clinician"))
    assert nameless.json()["code"] == "name_needed"
