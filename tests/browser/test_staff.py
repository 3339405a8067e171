"""The worklist and a journey in a real browser that runs no script, on a desk's screen and on a phone."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.browser.serving import serving
from tests.console.conftest import (
    Headers,
    Worklist,
    bootstrap,
    console_database,
    notifications_url,
    signing,
    staff,
    tell_by_hand,
    worklist,
)

__all__ = ["bootstrap", "console_database", "notifications_url", "signing", "staff", "worklist"]

CODE = "7K3M9Q2T4X"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SIZES = {"desk": {"width": 1200, "height": 800}, "phone": {"width": 360, "height": 740}}


@pytest_asyncio.fixture(loop_scope="session")
async def console(worklist: Worklist) -> AsyncIterator[str]:
    async with serving(worklist.app) as address:
        yield address


async def opened(browser: Browser, contexts: list[BrowserContext], size: str) -> Page:
    context = await browser.new_context(java_script_enabled=False, viewport=SIZES[size])  # type: ignore[arg-type]
    contexts.append(context)
    return await context.new_page()


async def signed_in(page: Page, url: str, headers: dict[str, str]) -> None:
    await page.goto(url)
    await page.get_by_label("Staff token").fill(headers["Authorization"].removeprefix("Bearer "))
    await page.get_by_role("button", name="Sign in").click()


async def looked_at(page: Page, name: str) -> None:
    """No page is wider than its window; with PICTURES set to a folder it is kept for human eyes."""
    assert await page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]  # type: ignore[index]
    if folder := os.environ.get("PICTURES"):
        await page.screenshot(path=f"{folder}/{name}.png", full_page=True)


async def a_busy_day(worklist: Worklist) -> UUID:
    """One case that waits for many reasons, and work of several kinds."""
    case, now = await worklist.add_case(CODE), datetime.now(UTC)
    admin = worklist.admin
    await admin.execute("UPDATE intake.cases SET traceparent = $2 WHERE case_id = $1", case, TRACE)
    await admin.execute(
        "INSERT INTO intake.standings (case_id, fact, attempt, tellings, version, state, waiting_on, since)"
        " VALUES ($1, 'case_waitlisted', 1, '{}', 2, 'waitlisted', 'capacity', $2)",
        case, now - timedelta(hours=2),
    )  # fmt: skip
    await admin.execute(
        "INSERT INTO matching.dead_letters (id, grp, topic, partition, record_offset, key, type, error, stack)"
        " VALUES ($1, 'matching', 'intake.cases', 3, 7, $2, 'intake.case_updated.v1', 'ValueError', '')",
        uuid4(), str(case),
    )  # fmt: skip
    await admin.execute(
        "INSERT INTO matching.blocks (grp, topic, key, kind) VALUES ('matching', 'intake.cases', $1, 'dead')",
        str(case),
    )
    await worklist.opens(due_by=now - timedelta(hours=3), case_id=case, therapist_id=uuid4())
    await worklist.opens(
        kind="credential", outcomes=("renewed", "not_renewed"), priority=0, therapist_id=uuid4(),
        due_by=now + timedelta(days=20),
    )  # fmt: skip
    await worklist.hear(tell_by_hand(case))
    return case


@pytest.mark.parametrize("size", SIZES)
async def test_a_coordinator_takes_what_is_overdue_and_says_what_came_of_it(
    browser: Browser,
    contexts: list[BrowserContext],
    worklist: Worklist,
    staff: Headers,
    console: str,
    size: str,
) -> None:
    await a_busy_day(worklist)
    page = await opened(browser, contexts, size)
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    await page.goto(f"{console}/")
    await looked_at(page, f"{size}-sign-in")
    await signed_in(page, f"{console}/tasks", staff())
    await expect(page.get_by_role("heading", name="All (3)")).to_be_visible()
    await looked_at(page, f"{size}-tasks")
    first = page.locator("tbody tr").first
    await expect(first).to_contain_text("OVERDUE")
    await first.get_by_role("button", name="Take it").click()
    mine = page.locator("table").first
    await expect(page.get_by_role("heading", name="You have these (1)")).to_be_visible()
    await looked_at(page, f"{size}-tasks-mine")
    await mine.get_by_role("button", name="Done").click()  # an outcome must be chosen
    await expect(page.get_by_role("heading", name="You have these (1)")).to_be_visible()
    await mine.get_by_label("What came of it").select_option("rebooked")
    await mine.get_by_role("button", name="Done").click()
    await expect(page.get_by_role("heading", name="All (2)")).to_be_visible()
    assert [one["outcome"] for one in await worklist.said()] == ["rebooked"]
    await page.get_by_label("State").select_option("done")
    await page.get_by_role("button", name="Show").click()
    await expect(page.get_by_text("done by Asma: rebooked")).to_be_visible()
    await looked_at(page, f"{size}-tasks-done")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("Staff token")).to_be_visible()
    assert await page.context.cookies(f"{console}/tasks") == []
    assert not [text for text in refused if "Content Security Policy" in text]


@pytest.mark.parametrize("size", SIZES)
async def test_an_operator_finds_out_why_a_case_does_not_go_on(
    browser: Browser,
    contexts: list[BrowserContext],
    worklist: Worklist,
    staff: Headers,
    console: str,
    size: str,
) -> None:
    await a_busy_day(worklist)
    page = await opened(browser, contexts, size)
    await signed_in(page, f"{console}/journeys", staff("operator", name="Omar"))
    await page.get_by_label("Case code").fill("no code")
    await page.get_by_role("button", name="Show").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await looked_at(page, f"{size}-journeys")
    await page.get_by_label("Case code").fill("7k3m9-q2t4x")
    await page.get_by_role("button", name="Show").click()
    await expect(page.get_by_role("heading", name="Case 7K3M9-Q2T4X")).to_be_visible()
    await expect(page.get_by_text("Key blocked")).to_be_visible()
    await expect(page.get_by_role("listitem").filter(has_text="waits for capacity")).to_be_visible()
    await expect(page.get_by_role("link", name="trace 4bf92f35").first).to_have_attribute(
        "href", "http://127.0.0.1:9411/zipkin/traces/4bf92f3577b34da6a3ce929d0e0e4736"
    )
    await looked_at(page, f"{size}-journey")


async def test_from_the_worklist_a_coordinator_comes_to_the_case(
    browser: Browser, contexts: list[BrowserContext], worklist: Worklist, staff: Headers, console: str
) -> None:
    await a_busy_day(worklist)
    page = await opened(browser, contexts, "desk")
    await signed_in(page, f"{console}/tasks", staff())
    await page.get_by_role("link", name=f"case {CODE}").first.click()
    await expect(page.get_by_role("heading", name="To be done by a human")).to_be_visible()
    await looked_at(page, "desk-journey-coordinator")
