"""One Chromium for these tests, and intake's routes served where it can reach them; both end with the last of them."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, async_playwright

from deploy.local.browser import NEEDED, found
from services.intake import roles
from services.intake.api.backlog import Backlog, Limits
from services.intake.api.cards import CardDeck
from services.intake.api.problems import with_card
from services.intake.domain.policy import Policy
from services.intake.settings import Settings
from shared.web import create_app
from tests.browser.serving import serving
from tests.browser.visitor import Visitor
from tests.intake.conftest import IntakeDatabase, policy, secrets, store, token
from tests.waiting import running

__all__ = ["policy", "secrets", "store", "token"]

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def site(store: IntakeDatabase, secrets: Settings, policy: Policy) -> AsyncIterator[str]:
    """The api role's routes; whoever leaves quickly lands on this machine."""
    app = create_app("intake", on_problem=with_card(CardDeck(policy.lines, policy.other_help)))
    app.add_api_route("/elsewhere", lambda: {"weather": "fair"})
    settings = secrets.model_copy(update={"quick_exit_url": "/elsewhere"})
    stop, watch = (
        asyncio.Event(),
        roles.serve_people(app, settings, policy, store.intake, Backlog(store.intake, Limits(1000, 60.0))),
    )
    async with serving(app) as address, running(stop, watch.run(stop)):
        yield address


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium without a window."""
    chromium = found()
    if chromium is None:
        pytest.fail(NEEDED)
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield opened
        await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def contexts(browser: Browser) -> AsyncIterator[list[BrowserContext]]:
    """Those opened by a test, closed after it."""
    opened: list[BrowserContext] = []
    yield opened
    for context in opened:
        await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(browser: Browser, contexts: list[BrowserContext], site: str) -> Visitor:
    """Somebody at a desk, with scripts."""
    return await Visitor.arrive(browser, contexts, site)


@pytest_asyncio.fixture(loop_scope="session")
async def plain_visitor(browser: Browser, contexts: list[BrowserContext], site: str) -> Visitor:
    """Somebody whose browser runs no script."""
    return await Visitor.arrive(browser, contexts, site, java_script_enabled=False)


@pytest_asyncio.fixture(loop_scope="session")
async def phone(browser: Browser, contexts: list[BrowserContext], site: str) -> Visitor:
    """Somebody who reads Urdu on a small phone."""
    return await Visitor.arrive(
        browser,
        contexts,
        site,
        language="ur",
        viewport={"width": 360, "height": 640},
        is_mobile=True,
        has_touch=True,
        locale="ur-PK",
    )
