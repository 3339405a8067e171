"""Whoever may be in danger and asks at the front door is taken in by the crisis process, or here where it does not answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import pytest_asyncio
from fastapi import FastAPI, Request, Response

from deploy.local.ports import free_port
from services.intake import roles
from services.intake.api.backlog import Backlog
from services.intake.api.requests import COUPLE
from services.intake.domain.policy import Policy
from services.intake.gateways import crisis as gateway
from services.intake.gateways.crisis import CrisisProcess
from services.intake.handlers.acceptance import SCOPE
from services.intake.settings import Settings
from shared.web import idempotency
from tests.browser.serving import serving
from tests.intake.conftest import IntakeDatabase, _app, _client
from tests.intake.test_asking import ask, asking
from tests.intake.test_over_http import come_back

ALARMS = "SELECT count(*) FROM intake.alarms JOIN intake.cases USING (case_id) WHERE case_code = $1"
CASES = "SELECT count(*) FROM intake.cases"


class Heard(list[dict[str, str]]):
    """The headers of what came to the crisis process."""


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def door(store: IntakeDatabase, secrets: Settings, policy: Policy, backlog: Backlog) -> Any:
    """The api role's routes with a crisis process at this address."""

    @asynccontextmanager
    async def opened(url: str) -> AsyncIterator[httpx2.AsyncClient]:
        app, process = _app(policy), CrisisProcess(url)
        roles.serve_people(app, secrets, policy, store.intake, backlog, process)
        async with _client(app) as client:
            yield client
        await process.close()

    return opened


@pytest_asyncio.fixture(loop_scope="session")
async def beside(
    store: IntakeDatabase, secrets: Settings, policy: Policy, heard: Heard
) -> AsyncIterator[str]:
    """A crisis process that serves, and what it heard."""
    app = _app(policy)
    roles.serve_crisis(app, secrets, policy, store.intake)
    async with serving(_listening(app, heard)) as url:
        yield url


def _listening(app: FastAPI, heard: Heard) -> FastAPI:
    @app.middleware("http")
    async def listen(request: Request, call_next: Any) -> Any:
        if request.url.path == gateway.PATH:
            heard.append(dict(request.headers))
        return await call_next(request)

    return app


async def test_an_alarm_at_the_front_door_is_taken_in_by_the_crisis_process_and_told_the_same(
    door: Any, beside: str, heard: Heard, store: IntakeDatabase
) -> None:
    key, body = uuid4().hex, asking(item9=3)
    async with door(beside) as people:
        first, again, other = (
            await ask(people, body, key),
            await ask(people, body, key),
            await ask(people, asking(item9=2), key),
        )
        calm = await ask(people, asking())
    assert [one["idempotency-key"] for one in heard] == [key] * 3
    assert all(
        one["traceparent"].endswith("-01") for one in heard
    )  # whoever may be in danger is followed from here
    assert (first.status_code, first.json(), first.headers["location"]) == (
        202,
        again.json(),
        f"/v1/cases/{first.json()['case_code']}",
    )
    assert len(first.json()["crisis"]["lines"]) >= 3
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len(other.json()["crisis"]["lines"]) >= 3
    assert await store.admin.fetchval(ALARMS, first.json()["case_code"]) == 1
    assert calm.status_code == 202


async def test_a_couple_in_danger_learns_the_code_of_the_one_who_is_to_join(door: Any, beside: str) -> None:
    body, key = COUPLE | {"answers": asking(item9=3)["answers"]}, uuid4().hex
    async with door(beside) as people:
        handed_on = (await ask(people, body, key)).json()
    async with door(f"http://127.0.0.1:{free_port()}") as people:
        taken_here = (await ask(people, body, key)).json()
    assert handed_on == taken_here
    assert [set(one) for one in handed_on["participants"]] == [{"role", "code", "pin"}]


async def test_a_case_that_goes_on_from_an_earlier_one_is_proved_by_whoever_asks_there_too(
    door: Any, beside: str, heard: Heard
) -> None:
    async with door(beside) as people:
        path, session = await come_back(people)
        body = asking(item9=3, continues={"case_code": path.rpartition("/")[2]})
        key = {"idempotency-key": uuid4().hex}
        proved = await people.post("/v1/cases", json=body, headers=key | session)
        unproved = await ask(people, body)
    assert (proved.status_code, len(heard)) == (202, 2)
    assert (unproved.status_code, unproved.json()["errors"][0]["pointer"]) == (422, "/continues")


async def test_where_there_is_no_crisis_process_the_front_door_takes_it_in(
    door: Any, store: IntakeDatabase
) -> None:
    async with door(f"http://127.0.0.1:{free_port()}") as people:
        answer = await ask(people, asking(item9=3))
    assert answer.status_code == 202
    assert len(answer.json()["crisis"]["lines"]) >= 3
    assert await store.admin.fetchval(ALARMS, answer.json()["case_code"]) == 1


@pytest.mark.parametrize("status", [404, 405, 415])
async def test_an_answer_that_is_not_about_the_request_is_none(
    door: Any, store: IntakeDatabase, status: int
) -> None:
    """An address that leads to somebody else: nobody in danger is told what went wrong between two of us."""
    elsewhere = FastAPI()

    @elsewhere.post(gateway.PATH)
    async def take_nothing_in() -> Response:
        return Response(b'{"detail": "Not Found"}', status)

    async with serving(elsewhere) as url, door(url) as people:
        answer = await ask(people, asking(item9=3))
    assert answer.status_code == 202
    assert await store.admin.fetchval(ALARMS, answer.json()["case_code"]) == 1


@pytest.mark.parametrize("status", [500, 503, None])
async def test_a_crisis_process_that_fails_or_says_nothing_costs_nobody_their_place_nor_gives_two(
    door: Any, beside: str, store: IntakeDatabase, status: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has taken the request in, and its answer does not come."""
    monkeypatch.setattr(gateway, "PATIENCE_SECONDS", 0.3)
    lost = FastAPI()

    @lost.post(gateway.PATH)
    async def take_in(request: Request) -> Any:
        async with httpx2.AsyncClient() as through:
            headers = {name: request.headers[name] for name in ("idempotency-key", "content-type")}
            body = await request.body()
            taken = await through.post(f"{beside}{gateway.PATH}", content=body, headers=headers)
            assert taken.status_code == 202
        if status is None:
            await asyncio.sleep(0.6)
        return Response(b"{}", status or 202)

    before = await store.admin.fetchval(CASES)
    async with serving(lost) as url, door(url) as people:
        answer = await ask(people, asking(item9=3))
    assert answer.status_code == 202
    assert await store.admin.fetchval(CASES) == before + 1
    assert await store.admin.fetchval(ALARMS, answer.json()["case_code"]) == 1


async def test_nobody_in_danger_is_sent_away_while_the_crisis_process_is_still_at_it_and_then_fails(
    door: Any, store: IntakeDatabase
) -> None:
    body, key = asking(item9=3), uuid4().hex
    async with door(f"http://127.0.0.1:{free_port()}") as people:
        async with store.intake.transaction() as tx:  # it ends without having taken anything in
            await idempotency.claim(tx, [idempotency.KeyedRequest(SCOPE, key, b"of the same body")])
            asked = asyncio.create_task(ask(people, body, key))
            await asyncio.sleep(0.1)
        answer = await asked
    assert answer.status_code == 202
    assert await store.admin.fetchval(ALARMS, answer.json()["case_code"]) == 1


async def test_a_flood_of_alarms_at_the_front_door_does_not_fill_the_crisis_process(
    door: Any, store: IntakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "MOST_AT_ONCE", 2)
    most, under_way, go_on, slow = 0, 0, asyncio.Event(), FastAPI()

    @slow.post(gateway.PATH)
    async def take_in() -> Response:
        nonlocal most, under_way
        under_way += 1
        most = max(most, under_way)
        await go_on.wait()
        under_way -= 1
        return Response(status_code=503)

    async with serving(slow) as url, door(url) as people:
        asked = [asyncio.create_task(ask(people, asking(item9=3))) for _ in range(6)]
        done, _ = await asyncio.wait(asked, timeout=0.5)
        go_on.set()
        answers = await asyncio.gather(*asked)
    assert (most, len(done)) == (2, 4)
    assert {answer.status_code for answer in answers} == {202}
    for answer in answers:
        assert await store.admin.fetchval(ALARMS, answer.json()["case_code"]) == 1
