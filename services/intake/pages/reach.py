"""Saying on a page how one is reached now, or that it holds still. No page shows an address again."""

from collections.abc import Mapping
from dataclasses import replace

import orjson
from fastapi import Request, Response

from services.intake.api.contacts import ContactDesk, meant, tell
from services.intake.domain.contacts import Contact
from services.intake.handlers.contacting import OnRecord
from services.intake.pages.entering import Door, Entered, read_sent
from services.intake.pages.rendering import Renderer
from services.intake.pages.shortcomings import by_field
from services.intake.pages.standing import standing_page
from services.intake.pages.steps import STEPS, contact_draft, contact_of, first
from shared.web import FieldProblem, Problem
from shared.web.forms import Form

PAGE = "reach"
KNOWN = frozenset(STEPS["contact"]) - {"guardian_phone"}


class Reaching:
    """GET and POST /{language}/reach."""

    def __init__(self, renderer: Renderer, door: Door, desk: ContactDesk) -> None:
        self._renderer = renderer
        self._door = door
        self._desk = desk

    async def ask_for_code(self, language: str, _: Request) -> Response:
        """The empty form."""
        return self._door.ask(PAGE, language)

    async def change(self, language: str, request: Request) -> Response:
        """How they are reached to look at; or, when it was said, how the case stands."""
        form: Form = {}
        try:
            form = await read_sent(request, KNOWN)
            entered, found = await self._door.enter_with(request, form, self._desk.look)
            if found.view.standing.state == "closed":
                return standing_page(self._renderer, language, entered)
            if (go := first(form, "go")) in ("save", "confirm"):
                trace = request.scope.get("traceparent")
                return await self._tell(language, entered, found, trace, confirm=go == "confirm")
        except Problem as problem:
            return self._door.again(PAGE, language, form, problem)
        return self._show(language, entered, found, _draft(found))

    async def _tell(
        self, language: str, entered: Entered, found: OnRecord, trace: str | None, *, confirm: bool
    ) -> Response:
        form, texts = entered.form, self._renderer.words[language].texts[PAGE]
        try:
            said = await tell(self._desk, found, None if confirm else _contact(form, found), trace)
        except Problem as problem:
            if not problem.fields:
                raise
            wrong = by_field(problem.fields, first(form, "channel"))
            return self._show(language, entered, found, form, wrong)
        notice = texts["stopped" if said.stopped else "confirmed" if confirm else "saved"]
        return standing_page(self._renderer, language, entered, notice)

    def _show(
        self,
        language: str,
        entered: Entered,
        found: OnRecord,
        draft: Form,
        errors: Mapping[str, FieldProblem] | None = None,
    ) -> Response:
        return self._renderer.page(
            PAGE,
            language,
            status=422 if errors else 200,
            province=found.view.province,
            urgent=found.view.alarmed,
            case_code=found.view.case_code,
            token=entered.token,
            now=found.kept.contact.channel if found.kept and found.kept.contact.reachable else None,
            draft=draft,
            errors=errors or {},
        )


def _draft(found: OnRecord) -> Form:
    return contact_draft(found.kept.contact) if found.kept else {}


def _contact(form: Form, found: OnRecord) -> Contact | None:
    """What the form says; what it cannot show stays as it is: times that nobody touched, and the other ways of a first one
    that is still the same. Raises Problem 422."""
    contact = meant(orjson.dumps({"contact": contact_of(form)}))
    if contact is None or found.kept is None:
        return contact
    before = found.kept.contact
    untouched = set(form.get("safe", ())) == set(_draft(found).get("safe", ()))
    return replace(
        contact,
        safe_windows=before.safe_windows if untouched else contact.safe_windows,
        then=before.then if contact.channel == before.channel else (),
    )
