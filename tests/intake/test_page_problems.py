"""Whatever goes wrong at the address of a page is told on a page: in its language, with whom to call, never stored."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from services.intake.domain.policy import Policy
from services.intake.roles import page_renderer
from services.intake.settings import Settings
from services.intake.settings.page_words import read_words
from shared.web import create_app, show_problems

WORDS = read_words()
FORM = {"content-type": "application/x-www-form-urlencoded"}
LONG = b"key=" + b"a" * 70_000


async def pieces() -> AsyncIterator[bytes]:
    """A body whose length nobody announced."""
    for _ in range(20):
        yield b"key=" + b"a" * 5_000


def is_page(answer: httpx2.Response, language: str) -> bool:
    texts = WORDS[language].texts
    return (
        answer.headers["content-type"].startswith("text/html")
        and answer.headers["cache-control"] == "no-store"
        and "default-src 'none'" in answer.headers["content-security-policy"]
        and f'lang="{language}" dir="{texts["direction"]}"' in answer.text
        and texts["problem"]["heading"] in answer.text
        and "tel:1122" in answer.text
        and "<title>Humqadam</title>" in answer.text
    )


@pytest.mark.parametrize("language", ["en", "ur"])
async def test_what_a_page_cannot_do_is_told_on_a_page(people: httpx2.AsyncClient, language: str) -> None:
    leads = WORDS[language].texts["problem"]["leads"]
    for answer, status, lead in (
        (await people.get(f"/{language}/nowhere"), 404, "not_found"),
        (await people.put(f"/{language}/status"), 405, "method_not_allowed"),
        (await people.post(f"/{language}/", content=b"", headers=FORM), 405, "method_not_allowed"),
        (await people.post(f"/{language}/steps", json={}), 415, "unsupported_type"),
        (await people.post(f"/{language}/steps", content=LONG, headers=FORM), 413, "too_large"),
        (await people.post(f"/{language}/status", content=pieces(), headers=FORM), 413, "too_large"),
    ):
        assert answer.status_code == status
        assert is_page(answer, language), lead
        assert leads[lead] in answer.text
    assert (await people.put(f"/{language}/status")).headers["allow"]


async def test_the_interface_for_programs_tells_its_problems_as_before(people: httpx2.AsyncClient) -> None:
    for answer in (
        await people.get("/v1/cases/nowhere/at/all"),
        await people.put("/v1/cases"),
        await people.post("/v1/cases", content=LONG, headers=FORM),
        await people.get("/files/nothing.css"),
        await people.get("/entrance"),
    ):
        assert answer.headers["content-type"] == "application/problem+json"


async def test_whoever_comes_while_we_start_sees_a_page(secrets: Settings, policy: Policy) -> None:
    app = create_app("intake")
    show_problems(app, page_renderer(secrets, policy).page_of)
    app.state.waits_for = "database"
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://intake") as client:
        for path, language in (("/ur/status", "ur"), ("/", "en")):
            answer = await client.get(path)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert is_page(answer, language)
            assert WORDS[language].texts["problem"]["leads"]["not_ready"] in answer.text
