"""Somebody in front of a browser: walks the steps by what they read there, and remembers every address asked for."""

import contextlib
import os
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, BrowserContext, Error, Page, Response

from services.intake.settings.page_words import Words, read_words
from tests.waiting import until

NUMBER = "0399 7654321"
WORDS = read_words()


@dataclass
class Visitor:
    """`asked` are the addresses the browser asked for, `answers` what came back, `titles` and `wider`
    what each page was called and how many pixels it was wider than the window; `wishes` and
    `age_band` are said besides."""

    page: Page
    site: str
    words: Words
    asked: list[str] = field(default_factory=list)
    answers: list[Response] = field(default_factory=list)
    titles: set[str] = field(default_factory=set)
    wider: list[int] = field(default_factory=list)
    wishes: dict[str, str] = field(default_factory=dict)
    age_band: str = ""

    @classmethod
    async def arrive(
        cls,
        browser: Browser,
        opened: list[BrowserContext],
        site: str,
        *,
        language: str = "en",
        **options: Any,
    ) -> "Visitor":
        context = await browser.new_context(**options)
        opened.append(context)
        visitor = cls(await context.new_page(), site, WORDS[language])
        visitor.page.on("request", lambda request: visitor.asked.append(request.url))
        visitor.page.on("response", lambda answer: visitor.answers.append(answer))
        return visitor

    @property
    def t(self) -> Any:
        """The texts of the visitor's language."""
        return self.words.texts

    async def open(self, path: str = "") -> None:
        await self.page.goto(f"{self.site}/{self.words.language}/{path}")

    async def press(self, text: str) -> None:
        """Presses a button by its words."""
        self.titles.add(await self.page.title())
        self.wider.append(await self.sideways())
        await self.page.get_by_role("button", name=text, exact=True).first.click()

    async def choose(self, field: str, *values: str) -> None:
        """Ticks what is named in a group."""
        for value in values:
            await self.page.locator(f'input[name="{field}"][value="{value}"]').check()

    async def heading(self) -> str:
        return await self.page.locator("h1").inner_text()

    async def on(self, step: str) -> None:
        """The page that is shown is this step's."""
        await self.page.get_by_role("heading", level=1, name=self.t[step]["heading"], exact=True).wait_for()

    async def go_to_contact(self, *flags: str) -> None:
        """Everything before the contact."""
        await self.open()
        await self.press(self.t["start"]["begin"])
        await self.on("who")
        if self.age_band:
            await self.choose("age_band", self.age_band)
        await self.press(self.t["common"]["next"])
        await self.on("how")
        await self.choose("modalities", "video", "phone")
        await self.choose("languages", "ur")
        await self.page.select_option("#place", "PK-PB|Lahore")
        await self.choose("times", "weekday_evening")
        for name, value in self.wishes.items():
            await self.choose(name, value)
        await self.press(self.t["common"]["next"])
        await self.on("about")
        await self.choose("problem_areas", "anxiety")
        await self.press(self.t["common"]["next"])
        await self.on("questions")
        await self.choose("red_flags", *flags)
        await self.press(self.t["common"]["next"])
        await self.on("contact")

    async def say_contact(self, number: str = NUMBER) -> None:
        await self.choose("channel", "sms")
        await self.page.fill("#phone", number)
        await self.press(self.t["common"]["next"])

    async def go_to_review(self, *flags: str) -> None:
        """Everything before sending."""
        await self.go_to_contact(*flags)
        await self.say_contact()
        await self.on("consent")
        await self.choose("care", "yes")
        await self.choose("contact_consent", "yes")
        await self.press(self.t["common"]["next"])
        await self.on("review")

    async def ask(self, *flags: str) -> tuple[str, str]:
        """A whole request; its code and PIN."""
        await self.go_to_review(*flags)
        await self.press(self.t["review"]["send"])
        return await self.code_and_pin()

    async def enter(self, page: str, code: str, pin: str) -> None:
        """Opens a page behind code and PIN and shows both."""
        await self.open(page)
        await self.page.fill("#case_code", code)
        await self.page.fill("#pin", pin)
        words = self.t["status"]["show"] if page == "status" else self.t["common"]["next"]
        await self.press(words)

    def pages(self) -> list[Response]:
        """The pages of ours that were shown."""
        return [one for one in self.answers if "html" in one.headers.get("content-type", "")]

    async def picture(self, name: str) -> None:
        """The page as it looks, kept where PICTURES says, for whoever wants to look at it."""
        if folder := os.environ.get("PICTURES"):
            await self.page.screenshot(path=f"{folder}/{name}-{self.words.language}.png", full_page=True)

    async def code_and_pin(self) -> tuple[str, str]:
        await self.on("done")
        return await self.page.locator("#code").inner_text(), await self.page.locator("#pin").inner_text()

    async def go_back(self) -> None:
        """The browser's own way back: nothing was stored, so it asks whether to send the form before again; yes."""
        with contextlib.suppress(Error):
            await self.page.go_back()
        await until(self._reloaded, "the page before")

    async def _reloaded(self) -> bool:
        # The browser's question is a page of its own, which is not there at once.
        with contextlib.suppress(Error):
            await self.page.reload()
            return True
        return False

    async def sideways(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(
            await self.page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
        )
