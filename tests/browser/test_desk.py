"""The duty desk in a real browser that runs no script: what only a browser decides, which is what it sends and keeps."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx2
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from services.intake import roles
from services.intake.domain.alarms import Staff
from services.intake.domain.policy import Policy
from services.intake.handlers.rota import Entering, enter_shifts
from services.intake.settings import Settings
from shared.web import create_app
from tests.browser.serving import serving
from tests.intake.conftest import IntakeDatabase

Token = Callable[..., dict[str, str]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def crisis(store: IntakeDatabase, secrets: Settings, policy: Policy) -> AsyncIterator[str]:
    """The crisis role with a vault to ask."""
    vault, app = create_app("vault"), create_app("crisis")
    roles.serve_keys(vault, secrets, store.vault)
    async with serving(vault) as keys:
        roles.serve_crisis(app, secrets.model_copy(update={"vault_url": keys}), policy, store.intake)
        async with serving(app) as address:
            yield address


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, contexts: list[BrowserContext]) -> Page:
    context = await browser.new_context(java_script_enabled=False)
    contexts.append(context)
    return await context.new_page()


async def called_for_help(crisis: str) -> None:
    async with httpx2.AsyncClient(base_url=crisis) as client:
        body = {"province": "PK-PB", "contact": {"channel": "sms", "address": "0399 7654321"}}
        answer = await client.post("/v1/crisis/help", json=body, headers={"Idempotency-Key": str(uuid4())})
        assert answer.status_code == 202


async def test_a_clinician_signs_in_takes_reaches_and_closes_without_any_script(
    page: Page, crisis: str, token: Token
) -> None:
    await called_for_help(crisis)
    pasted = token("duty_clinician", subject="s-asma", name="Asma")["Authorization"].removeprefix("Bearer ")
    await page.goto(f"{crisis}/desk")
    await page.get_by_label("Staff token").fill(pasted)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Nobody has these")).to_be_visible()
    await page.locator("tbody a").first.click()
    await page.get_by_role("button", name="Take it").click()
    await page.get_by_role("button", name="Show it").click()
    await expect(page.get_by_text("+923997654321")).to_be_visible()
    await page.get_by_label("How it ended").select_option("reached")
    await page.get_by_role("button", name="Write it down").click()
    await expect(page.get_by_text("attempted by Asma: reached")).to_be_visible()
    await page.get_by_label("Outcome").select_option("reached_and_safe")
    await page.locator("#reason-close").fill("Her sister stays tonight.")
    await page.get_by_role("button", name="Close it").click()
    await expect(page.get_by_text("closed by Asma: reached and safe").first).to_be_visible()
    [cookie] = await page.context.cookies(f"{crisis}/desk")
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/desk")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Staff token")).to_be_visible()
    assert await page.context.cookies(f"{crisis}/desk") == []


async def test_the_style_is_let_through_and_an_outcome_must_be_chosen(
    page: Page, crisis: str, token: Token
) -> None:
    await called_for_help(crisis)
    pasted = token("duty_clinician", subject="s-bilal", name="Bilal")["Authorization"].removeprefix("Bearer ")
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    await page.goto(f"{crisis}/desk")
    await page.get_by_label("Staff token").fill(pasted)
    await page.get_by_role("button", name="Sign in").click()
    await page.locator("tbody a").first.click()
    before = page.url
    await page.get_by_role("button", name="Write it down").click()
    await expect(page.get_by_text("attempted by")).to_have_count(0)
    assert page.url == before
    assert not [text for text in refused if "Content Security Policy" in text]


async def test_whoever_goes_home_hands_an_alarm_over_without_any_script(
    page: Page, crisis: str, store: IntakeDatabase, token: Token
) -> None:
    await called_for_help(crisis)
    now, bilal = datetime.now(UTC), Staff("s-bilal", "Bilal")
    async with store.intake.transaction() as tx:
        await enter_shifts(
            [Entering(bilal, now, now + timedelta(hours=1), ("R3",), bilal, str(uuid4()), b"")], tx
        )
    pasted = token("duty_clinician", subject="s-asma", name="Asma")["Authorization"].removeprefix("Bearer ")
    await page.goto(f"{crisis}/desk")
    await page.get_by_label("Staff token").fill(pasted)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_text("Bilal (R3) until")).to_be_visible()
    await expect(page.get_by_text("Nobody is on for R1, R2.")).to_be_visible()
    await page.set_viewport_size({"width": 360, "height": 780})
    await page.locator("tbody a").first.click()
    await page.get_by_role("button", name="Take it").click()
    await page.get_by_label("To somebody who is on duty").select_option("Bilal")
    await page.locator("#reason-handover").fill("My shift ends.")
    await page.get_by_role("button", name="Hand it over").click()
    await expect(page.get_by_text("handed over by Asma from Asma to Bilal")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    await store.admin.execute("DELETE FROM intake.duty_shifts")
