"""A coordinator calls somebody who named a call: the number, the words and what came of it on one small page."""

import pytest
from playwright.async_api import Browser, BrowserContext, expect

from tests.browser.test_staff import SIZES, console, looked_at, opened, signed_in
from tests.console.conftest import Headers, Worklist, bootstrap, console_database, signing, staff, worklist
from tests.console.test_call_page import carry, desk, notifications_url, outside
from tests.notifications.callers import NUMBER, to_call
from tests.notifications.facts import Desk
from tests.notifications.outside import OutsideWorld

__all__ = [
    "bootstrap", "console", "console_database", "desk", "notifications_url", "outside", "signing", "staff", "worklist",
]  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
async def test_a_coordinator_reads_whom_to_call_and_says_what_came_of_it(
    browser: Browser,
    contexts: list[BrowserContext],
    worklist: Worklist,
    desk: Desk,
    outside: OutsideWorld,
    staff: Headers,
    console: str,
    size: str,
) -> None:
    await to_call(desk, outside)
    await carry(desk, worklist)
    page = await opened(browser, contexts, size)
    await signed_in(page, f"{console}/tasks", staff())
    await page.get_by_role("button", name="Take it").click()
    await looked_at(page, f"{size}-call-taken")
    await page.locator('a[href$="/call"]').click()
    await expect(page.locator(f'a[href="tel:{NUMBER}"]')).to_be_visible()
    await looked_at(page, f"{size}-call")
    await page.get_by_label("What came of it").select_option("reached")
    await page.get_by_role("button", name="Done").click()
    await expect(page.get_by_text("Call somebody")).not_to_be_visible()
    assert [one["outcome"] for one in await worklist.said()] == ["reached"]
    assert NUMBER not in await page.content()
