"""Changing on a page what one wishes for: the form as it stands now, and only what was changed in it is changed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
from fastapi import Request, Response

from services.intake.api.wishes import WishDesk, wished_after
from services.intake.domain.requests import Needs
from services.intake.handlers.wishes import Change, Wished
from services.intake.pages.entering import Door, Entered, read_sent
from services.intake.pages.rendering import Renderer
from services.intake.pages.shortcomings import by_field
from services.intake.pages.standing import standing_page
from services.intake.pages.steps import STEPS, draft_of, first, wishes_of
from shared.web import FieldProblem, Problem
from shared.web.forms import Form

PAGE = "wishes"
KNOWN = frozenset({*STEPS["how"], "version"})
# What each field of the page says of the request.
SAYS = {
    "modalities": "modalities",
    "languages": "languages",
    "place": "city",
    "therapist_gender": "therapist_gender",
    "must": "therapist_gender",
    "access_needs": "access_needs",
    "times": "wanted_times",
    "max_fee": "max_fee",
    "booking_mode": "booking_mode",
}


class Wishing:
    """GET and POST /{language}/wishes."""

    def __init__(self, renderer: Renderer, door: Door, desk: WishDesk) -> None:
        self._renderer = renderer
        self._door = door
        self._desk = desk

    async def ask_for_code(self, language: str, _: Request) -> Response:
        """The empty form."""
        return self._door.ask(PAGE, language)

    async def change(self, language: str, request: Request) -> Response:
        """The wishes to look at; or, when they were sent, how the case stands with them."""
        form: Form = {}
        try:
            form = await read_sent(request, KNOWN)
            entered, found = await self._door.enter_with(request, form, self._desk.look)
            if found.view.standing.state == "closed":
                return standing_page(self._renderer, language, entered)
            if first(form, "go") == "save":
                return await self._save(language, entered, found, request.scope.get("traceparent"))
        except Problem as problem:
            return self._door.again(PAGE, language, form, problem)
        return self._show(language, entered, found, draft_of(found.needs))

    async def _save(self, language: str, entered: Entered, found: Wished, trace: str | None) -> Response:
        texts, form = self._renderer.words[language].texts[PAGE], entered.form
        if first(form, "version") != str(found.view.version):
            return self._show(language, entered, found, draft_of(found.needs), notice=texts["meanwhile"])
        try:
            needs = wished_after(self._desk.policy, found.needs, orjson.dumps(patch_of(found.needs, form)))
        except Problem as problem:
            return self._show(language, entered, found, form, by_field(problem.fields, None))
        refused = await self._desk.change(Change(found.view.case_id, found.view.version, needs, trace))
        now = await self._desk.look(found.view.case_code) or found
        if refused == "stale":
            return self._show(language, entered, now, draft_of(now.needs), notice=texts["meanwhile"])
        notice = None if refused else texts["saved"]
        return standing_page(self._renderer, language, replace(entered, view=now.view), notice)

    def _show(
        self,
        language: str,
        entered: Entered,
        found: Wished,
        draft: Form,
        errors: Mapping[str, FieldProblem] | None = None,
        notice: str | None = None,
    ) -> Response:
        return self._renderer.page(
            PAGE,
            language,
            status=422 if errors else 200,
            province=found.view.province,
            urgent=found.view.alarmed,
            case_code=found.view.case_code,
            token=entered.token,
            version=found.view.version,
            draft=draft,
            errors=errors or {},
            notice=notice,
            only=found.needs.province,
            cities=self._desk.policy.places.cities.values(),
        )


def patch_of(before: Needs, form: Form) -> dict[str, Any]:
    """The merge patch that a sent form means: what the page showed and nobody touched is not in it, so that wishes
    which the page cannot show stay as they are."""
    shown, said = draft_of(before), wishes_of(form)
    touched = {SAYS[name] for name in SAYS if set(form.get(name, ())) != set(shown.get(name, ()))}
    return {name: said.get(name) for name in touched}
