"""The edge of every service: errors in one form, nothing large or foreign read, a process that tells its state."""

import asyncio
import re
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from shared.web import (
    FORMS,
    PUBLIC,
    Batcher,
    PlainText,
    Principal,
    Problem,
    allowed,
    create_app,
    fast_json,
    parse,
    parse_form,
    read_other_bodies,
    serve_directly,
)
from tests.browser.serving import serving
from tests.waiting import PATIENCE, until


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    title: PlainText
    count: Annotated[int, Field(ge=0, le=3)] = 0


router = APIRouter()


@router.post("/forms")
async def post_form(request: Request) -> Response:
    form = parse(Form, await request.body())
    if form.title == "boom":
        raise RuntimeError("secret value")
    return fast_json(201, {"title": form.title})


@pytest.fixture(params=["through the framework", "directly"])
async def client(request: Any) -> Any:
    app = create_app(
        "tests", routers=[router], json_limit=200, on_problem=lambda _, p: p | {"card": "call 15"}
    )
    if request.param == "directly":
        serve_directly(app, router, "POST", "/forms")
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://tests") as client:
        yield client


async def post(client: Any, content: str | bytes, kind: str = "application/json") -> Any:
    return await client.post("/forms", content=content, headers={"content-type": kind})


async def test_a_wrong_field_is_named(client: Any) -> None:
    answer = await post(client, '{"title": "x", "count": 9, "colour": "red"}')
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert {(e["pointer"], e["code"]) for e in answer.json()["errors"]} == {
        ("/count", "less_than_equal"),
        ("/colour", "unknown_field"),
    }


async def test_control_characters_are_refused_and_urdu_joiners_are_not(client: Any) -> None:
    refused = await post(client, '{"title": "a\\u202eb"}')
    assert refused.json()["errors"][0]["code"] == "control_characters"
    assert (await post(client, '{"title": "\\u0622\\u200c\\u067e"}')).status_code == 201


async def test_broken_json_is_400(client: Any) -> None:
    answer = await post(client, "{")
    assert (answer.status_code, answer.json()["code"]) == (400, "broken_json")


async def test_a_large_body_is_refused_before_it_is_read(client: Any) -> None:
    assert (await post(client, b"x" * 10_000_000)).status_code == 413


async def test_a_large_body_without_a_length_is_refused_while_it_is_read(client: Any) -> None:
    async def endless() -> Any:
        for _ in range(100):
            yield b"x" * 100

    answer = await client.post("/forms", content=endless(), headers={"content-type": "application/json"})
    assert answer.status_code == 413


async def test_another_type_is_415_another_method_405_another_path_404(client: Any) -> None:
    assert (await post(client, "a=b", "application/x-www-form-urlencoded")).status_code == 415
    assert (await client.get("/forms")).status_code == 405
    assert (await client.get("/nothing")).json()["code"] == "not_found"


async def test_every_problem_carries_what_the_service_adds(client: Any) -> None:
    for answer in (await post(client, "{"), await client.get("/nothing"), await post(client, b"x" * 999)):
        assert answer.json()["card"] == "call 15"


async def test_an_unexpected_error_tells_nothing(client: Any) -> None:
    answer = await post(client, '{"title": "boom"}')
    assert answer.status_code == 500
    assert "secret" not in answer.text


def test_a_route_that_is_not_there_cannot_be_served_directly() -> None:
    with pytest.raises(LookupError):
        serve_directly(create_app("tests"), router, "POST", "/nothing")


async def test_requests_that_come_together_share_a_batch_and_fail_alone() -> None:
    batches: list[list[int]] = []

    async def work(items: list[int]) -> list[int | Exception]:
        batches.append(items)
        await asyncio.sleep(0.01)
        return [Problem(409, "odd") if item % 2 else item * 10 for item in items]

    batcher = Batcher(work, max_running=1)
    answers = await asyncio.gather(*(batcher.submit(n) for n in range(6)), return_exceptions=True)
    assert [a for a in answers if isinstance(a, int)] == [0, 20, 40]
    assert sum(isinstance(a, Problem) for a in answers) == 3
    assert [len(batch) for batch in batches] == [1, 5] or len(batches) == 1


async def test_a_batch_that_fails_falls_to_all_its_waiters_and_the_next_one_works() -> None:
    failures = iter([True, False])

    async def work(items: list[int]) -> list[int | Exception]:
        if next(failures):
            raise ConnectionError
        return list(items)

    batcher = Batcher(work)
    with pytest.raises(ConnectionError):
        await batcher.submit(1)
    assert await batcher.submit(2) == 2


async def test_who_submits_at_the_moment_of_an_answer_is_not_forgotten() -> None:
    async def work(items: list[int]) -> list[int | Exception]:
        await asyncio.sleep(0)
        return list(items)

    batcher = Batcher(work, max_running=1)

    async def one_after_the_other() -> list[int]:
        return [await batcher.submit(number) for number in range(3)]

    assert await asyncio.wait_for(one_after_the_other(), PATIENCE) == [0, 1, 2]


async def test_too_many_waiting_are_told_to_come_again() -> None:
    async def work(items: list[int]) -> list[int | Exception]:
        await asyncio.sleep(0.05)
        return list(items)

    batcher = Batcher(work, max_running=1, max_batch=1, max_waiting=2)
    answers = await asyncio.gather(*(batcher.submit(n) for n in range(6)), return_exceptions=True)
    refused = [a for a in answers if isinstance(a, Problem)]
    assert refused
    assert all((p.status, p.headers["retry-after"]) == (503, "1") for p in refused)


async def test_whoever_would_be_refused_can_know_it_before_the_body_is_read() -> None:
    began, gate = asyncio.Event(), asyncio.Event()

    async def work(items: list[int]) -> list[int | Exception]:
        began.set()
        await gate.wait()
        return list(items)

    batcher = Batcher(work, max_running=1, max_batch=1, max_waiting=2)
    asked = [asyncio.create_task(batcher.submit(1))]
    await began.wait()
    asked += [asyncio.create_task(batcher.submit(number)) for number in (2, 3)]
    batcher.admit()
    await until(lambda: batcher.waiting == 2, "two that wait")
    with pytest.raises(Problem):
        batcher.admit()
    gate.set()
    assert await asyncio.gather(*asked) == [1, 2, 3]


async def test_the_page_of_the_api_needs_no_other_host() -> None:
    app = create_app("tests", routers=[router])
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://tests") as client:
        page = await client.get("/docs")
        assert page.status_code == 200
        loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert len(loaded) >= 3
        for address in loaded:
            assert re.match(r"/\w", address)
            assert (await client.get(address)).status_code == 200
        assert "/docs" not in app.openapi()["paths"]


async def test_who_may_call_a_route_is_checked_first_and_told_from_the_same_words() -> None:
    guarded = APIRouter()

    @guarded.get("/things/{number}")
    async def look(number: int, caller: Annotated[Principal, allowed("keeper", own=("owner",))]) -> Response:
        return fast_json(200, {"number": number, "role": caller.role})

    @guarded.get("/times", openapi_extra=PUBLIC)
    async def times() -> Response:
        return fast_json(200, {})

    @guarded.get("/forgotten")
    async def forgotten() -> Response:
        return fast_json(200, {})

    app = create_app("tests", routers=[guarded])
    paths = app.openapi()["paths"]
    assert paths["/things/{number}"]["get"]["x-roles"] == {"keeper": "all", "owner": "own"}
    assert paths["/things/{number}"]["get"]["security"] == [{"token": []}]
    assert (paths["/times"]["get"]["x-roles"], paths["/times"]["get"]["security"]) == ("public", [])
    assert "x-roles" not in paths["/forgotten"]["get"]
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://tests") as client:
        assert (await client.get("/things/nonsense")).status_code == 401
        assert (await client.get("/times")).status_code == 200


async def test_a_route_that_reads_forms_reads_nothing_else() -> None:
    app = create_app("forms")
    read_other_bodies(app, "POST", "/form", FORMS)

    async def read(request: Request) -> Response:
        return fast_json(
            200, {name: list(values) for name, values in parse_form(await request.body(), {"a"}).items()}
        )

    app.add_api_route("/form", read, methods=["POST"])
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://web") as client:
        sent = await client.post(
            "/form", content="a=1&a=%D8%A7", headers={"content-type": "application/x-www-form-urlencoded"}
        )
        assert sent.json() == {"a": ["1", "ا"]}
        assert (await client.post("/form", json={"a": 1})).status_code == 415


async def test_head_is_answered_as_get_is_without_the_content() -> None:
    """Over a real server: it is the one that holds the content back (RFC 9110, 9.3.2)."""
    looked_at = APIRouter()

    @looked_at.get("/forms/one")
    async def look() -> Response:
        return fast_json(200, {"title": "one"}, {"ETag": '"1"'})

    app = create_app("tests", routers=[router, looked_at])
    async with serving(app) as url, httpx2.AsyncClient(base_url=url) as client:
        asked, looked = await client.head("/forms/one"), await client.get("/forms/one")
        nothing, not_read = await client.head("/nowhere"), await client.head("/forms")
    shown = ("content-type", "content-length", "etag")
    assert (asked.status_code, asked.content) == (200, b"")
    assert [asked.headers[name] for name in shown] == [looked.headers[name] for name in shown]
    assert (nothing.status_code, nothing.content, not_read.status_code) == (404, b"", 405)
