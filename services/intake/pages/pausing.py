"""Letting a request wait and letting it go on, on pages: nothing is lost by it, and each is one button."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from fastapi import Request, Response

from services.intake.api.pauses import PauseDesk
from services.intake.domain.requests import Consent
from services.intake.handlers.pausing import Answer, Pausing, Resuming
from services.intake.pages.entering import Door, Entered, read_sent
from services.intake.pages.rendering import Renderer
from services.intake.pages.standing import standing_page
from services.intake.pages.steps import first
from services.intake.repository.pauses import By
from shared.web import FieldProblem, Problem
from shared.web.forms import Form

KNOWN = frozenset({"until", "version", "text_version", "care", "contact_consent"})
PERSON = By("person")
Page = Literal["pause", "resume"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """GET and POST /{language}/pause and /{language}/resume."""

    renderer: Renderer
    door: Door
    desk: PauseDesk

    def ask_for_code(self, page: Page) -> Callable[[str, Request], Awaitable[Response]]:
        """The empty form in front of this page."""

        async def ask(language: str, _: Request) -> Response:
            return self.door.ask(page, language)

        return ask

    async def pause(self, language: str, request: Request) -> Response:
        """Asks until when; pauses when it is meant."""
        entered = await self._enter("pause", language, request)
        if isinstance(entered, Response):
            return entered
        if first(entered.form, "go") != "pause":
            return self._show(language, entered)
        until = _day(first(entered.form, "until"))
        if until == "no_day":
            return self._show(language, entered, FieldProblem("/until", "no_day", ""))
        trace = request.scope.get("traceparent")
        wish = Pausing(entered.view.case_id, _version(entered.form), until, PERSON, trace)
        return await self._after(language, entered, await self.desk.pause(wish), "pause")

    async def resume(self, language: str, request: Request) -> Response:
        """Goes on, with their consent where they had only called for help."""
        entered = await self._enter("resume", language, request)
        if isinstance(entered, Response):
            return entered
        form = entered.form
        if first(form, "go") != "resume":
            return standing_page(self.renderer, language, entered)
        consent = None
        if entered.view.standing.reason == "not_asked_yet":
            text = first(form, "text_version") or ""
            consent = Consent("care" in form, "contact_consent" in form, text, language)
        trace = request.scope.get("traceparent")
        wish = Resuming(entered.view.case_id, _version(form), consent, PERSON, trace)
        return await self._after(language, entered, await self.desk.resume(wish), "resume")

    async def _enter(self, page: Page, language: str, request: Request) -> Entered | Response:
        form: Form = {}
        try:
            form = await read_sent(request, KNOWN)
            return await self.door.enter(request, form, self.desk.look)
        except Problem as problem:
            return self.door.again(page, language, form, problem)

    async def _after(self, language: str, entered: Entered, answer: Answer, page: Page) -> Response:
        now = replace(entered, view=await self.desk.look(entered.view.case_code) or entered.view)
        if isinstance(answer, list) and page == "pause":
            return self._show(language, now, FieldProblem("/until", answer[0].code, ""))
        if isinstance(answer, list):
            return standing_page(self.renderer, language, now, unagreed=True)
        texts = self.renderer.words[language].texts
        done = texts[page]["done"] if answer is None else texts["wishes"]["meanwhile"]
        return standing_page(self.renderer, language, now, done)

    def _show(self, language: str, entered: Entered, wrong: FieldProblem | None = None) -> Response:
        return self.renderer.page(
            "pause",
            language,
            status=422 if wrong else 200,
            province=entered.view.province,
            urgent=entered.view.alarmed,
            case_code=entered.view.case_code,
            token=entered.token,
            version=entered.view.version,
            draft=entered.form if wrong else {},
            errors={"until": wrong} if wrong else {},
        )


def _day(typed: str | None) -> date | Literal["no_day"] | None:
    """A browser sends what its field for days holds; somebody may have typed it."""
    if not typed:
        return None
    try:
        return date.fromisoformat(typed.strip())
    except ValueError:
        return "no_day"


def _version(form: Form) -> int:
    """That of the page; one that no page has is stale."""
    shown = first(form, "version") or ""
    return int(shown) if shown.isascii() and shown.isdigit() and len(shown) < 9 else -1
