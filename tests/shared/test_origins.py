"""Pages of other origins: those that are named may ask and read what they need, all others learn nothing."""

import httpx2
import pytest
from fastapi import FastAPI, Response

from shared.web import PUBLIC, Problem, create_app
from shared.web.origins import allow_origins, read_origins

FRIEND, STRANGER = "https://care.example", "https://elsewhere.example"


def app_with(*origins: str) -> FastAPI:
    app = create_app("toy")

    @app.post("/things", openapi_extra=PUBLIC)
    async def make() -> Response:
        return Response(headers={"Location": "/things/1", "ETag": '"1"'})

    @app.get("/things", openapi_extra=PUBLIC)
    async def look() -> Response:
        raise Problem(429, "too_soon", headers={"retry-after": "3"})

    allow_origins(app, origins)
    return app


def client(app: FastAPI, origin: str) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://tests", headers={"Origin": origin})


PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, idempotency-key, if-match",
}


async def test_a_page_that_is_named_may_ask_with_its_token_and_read_what_it_needs() -> None:
    async with client(app_with("https://other.example", FRIEND), FRIEND) as page:
        before = await page.options("/things", headers=PREFLIGHT)
        assert (before.status_code, before.headers["access-control-allow-origin"]) == (200, FRIEND)
        made = await page.post("/things", json={})
    assert made.headers["access-control-allow-origin"] == FRIEND
    assert {"ETag", "Location", "Retry-After"} <= set(
        made.headers["access-control-expose-headers"].split(", ")
    )
    assert "access-control-allow-credentials" not in made.headers


async def test_a_page_can_read_why_it_was_refused() -> None:
    async with client(app_with(FRIEND), FRIEND) as page:
        refused = await page.get("/things")
        too_large = await page.post(
            "/things", content=b"x" * 70_000, headers={"content-type": "application/json"}
        )
    assert [one.status_code for one in (refused, too_large)] == [429, 413]
    assert {one.headers["access-control-allow-origin"] for one in (refused, too_large)} == {FRIEND}


@pytest.mark.parametrize("origins", [(), (FRIEND,)])
async def test_whoever_is_not_named_is_told_nothing(origins: tuple[str, ...]) -> None:
    async with client(app_with(*origins), STRANGER) as page:
        before = await page.options("/things", headers=PREFLIGHT)
        made = await page.post("/things", json={})
    assert before.status_code in (400, 405)
    assert "access-control-allow-origin" not in before.headers
    assert "access-control-allow-origin" not in made.headers


def test_origins_are_said_as_browsers_say_them() -> None:
    assert read_origins("") == []
    assert read_origins(" https://care.example, http://127.0.0.1:3000 ,http://[::1]:8080") == [
        "https://care.example",
        "http://127.0.0.1:3000",
        "http://[::1]:8080",
    ]


@pytest.mark.parametrize(
    "text", ["*", "care.example", "https://care.example/", "https://Care.example", "null", "https://a b"]
)
def test_what_no_browser_would_say_stops_the_start(text: str) -> None:
    with pytest.raises(ValueError, match="is no origin"):
        read_origins(text)
