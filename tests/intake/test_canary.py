"""One person with a number, answers and a story like nobody else's asks for help; afterwards all that was said, logged, traced
and kept is searched for them."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.telemetry import new_traceparent, spans
from tests.intake.conftest import IntakeDatabase
from tests.intake.test_asking import asking

NUMBER = "3997654318"  # as it stands in every way of writing it
ANSWERS = [3, 1, 2, 3, 0, 1, 2, 3, 1]
STORY = "canary-of-her-brother"
REASON = "canary-she-is-with-an-aunt"
WRITTEN = (f"0{NUMBER}", f"+92{NUMBER}", f"92 {NUMBER[:3]} {NUMBER[3:]}")
Token = Callable[..., dict[str, str]]


def keyed() -> dict[str, str]:
    """Every request has a trace that is kept."""
    return {"Idempotency-Key": str(uuid4()), "traceparent": new_traceparent(True)}


@pytest.fixture
def traced() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    spans.use(SimpleSpanProcessor(exporter), Resource.get_empty())
    yield exporter
    spans._processor = None


def leaks(text: str) -> list[str]:
    """What of theirs can be read here: the number in any way of writing it, the answers in a row, staff's words."""
    digits = "".join(one for one in text if one.isdigit())
    bare = text.replace(" ", "")
    found = [NUMBER] * (NUMBER in bare.replace("-", "") or NUMBER in digits)
    return (
        found
        + ["answers"] * (json.dumps(ANSWERS).replace(" ", "") in bare)
        + [one for one in (STORY, REASON) if one in text]
    )


@pytest.mark.parametrize(
    "text", [*WRITTEN, f"{NUMBER[:3]}-{NUMBER[3:]}", f'{{"phq9": {ANSWERS}}}', f"about {STORY}", REASON]
)
def test_what_leaks_is_found(text: str) -> None:
    assert leaks(text)


async def tables(store: IntakeDatabase) -> dict[str, list[str]]:
    """Every row of both schemas as text, events and answers of requests readable."""
    found = {}
    for name in await store.rows():
        readable = "convert_from(payload, 'UTF8')" if name == "intake.outbox" else "''"
        readable = "convert_from(response, 'UTF8')" if name == "intake.idempotency_keys" else readable
        rows = await store.admin.fetch(f"SELECT t::text || {readable} AS row FROM {name} t")
        found[name] = [row["row"] for row in rows]
    return found


async def asks_and_is_helped(people: httpx2.AsyncClient, duty: httpx2.AsyncClient, token: Token) -> list[Any]:
    """From the request to the closed alarm; everything that was answered on the way."""
    body = asking()
    body["contact"] |= {"channel": "sms", "address": f"0{NUMBER}"}
    wrong = body | {"contact": body["contact"] | {"address": f"0{NUMBER}55555"}}
    body["answers"] = {"phq9": ANSWERS}
    answers = [
        await people.post("/v1/cases", json=one, headers=keyed())
        for one in (wrong, wrong | {"answers": {"phq9": [*ANSWERS, 9]}}, body)
    ]
    assert [answer.status_code for answer in answers] == [422, 422, 202]
    told = answers[-1].json()
    answers.append(
        await people.post("/v1/sessions", json={"case_code": told["case_code"], "pin": told["pin"]})
    )
    session = {"Authorization": f"Bearer {answers[-1].json()['token']}"}
    answers.append(await people.get(told["status_url"], headers=session | keyed()))
    asma = token("duty_clinician", subject="s-1", name="Asma")
    listed = (await duty.get("/v1/alarms?limit=200", headers=asma)).json()["alarms"]
    alarm = next(one["alarm_id"] for one in listed if one["case_code"] == told["case_code"])
    for step, sent in (
        ("acknowledge", None),
        ("attempts", {"outcome": "reached", "note": STORY}),
        ("close", {"outcome": "reached_and_safe", "reason": REASON}),
    ):
        answer = await duty.post(f"/v1/alarms/{alarm}/{step}", json=sent, headers=asma | keyed())
        assert answer.status_code < 300, answer.text
    answers.append(await people.post(f"{told['status_url']}/withdraw", json={}, headers=session | keyed()))
    return answers


async def test_nothing_of_a_person_can_be_read_where_it_must_not_stand(
    people: httpx2.AsyncClient,
    duty: httpx2.AsyncClient,
    store: IntakeDatabase,
    token: Token,
    traced: InMemorySpanExporter,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    answers = await asks_and_is_helped(people, duty, token)
    await asyncio.sleep(0)
    assert [leaks(f"{one.url} {one.headers} {one.text}") for one in answers] == [[]] * len(answers)
    assert [found for line in caplog.records if (found := leaks(str(vars(line)) + line.getMessage()))] == []
    traces = [
        f"{span.name}{span.attributes}{span.events}{span.status}" for span in traced.get_finished_spans()
    ]
    assert len(traces) >= len(answers)
    assert [found for one in traces if (found := leaks(one))] == []
    # What staff write stands in the row it was written for, and nowhere else.
    kept = {
        name: sorted({one for row in rows for one in leaks(row)})
        for name, rows in (await tables(store)).items()
    }
    assert {name: found for name, found in kept.items() if found} == {
        "intake.alarm_attempts": [STORY],
        "intake.alarms": [REASON],
    }
