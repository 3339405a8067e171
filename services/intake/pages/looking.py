"""Looking how a request stands, with code and PIN: in plain words, in the language of the page."""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request, Response
from pydantic import ValidationError

from services.intake.api.requests import SessionSent
from services.intake.api.sessions import SessionCounter, open_session
from services.intake.api.shedding import Reads
from services.intake.domain.codes import read_case_code
from services.intake.domain.vocabulary import TIME_ZONE
from services.intake.pages.rendering import Renderer
from services.intake.pages.steps import first
from services.intake.repository.standings import CaseView
from shared.web import FieldProblem, Problem, TokenVerifier, parse_form
from shared.web.forms import Form

ZONE = ZoneInfo(TIME_ZONE)
KNOWN = frozenset({"case_code", "pin", "token", "go"})
# What asking for code and PIN again can say; everything else is told as broken.
SAID = ("wrong_code_or_pin", "too_soon", "token_expired", "token_invalid")


class Looking:
    """GET and POST /{language}/status."""

    def __init__(self, renderer: Renderer, counter: SessionCounter, look: Reads) -> None:
        self._renderer = renderer
        self._counter = counter
        self._look = look

    async def ask_for_code(self, language: str, _: Request) -> Response:
        """The empty form."""
        return self._renderer.page("status", language, case_code="")

    async def show(self, language: str, request: Request) -> Response:
        """How the case stands now. The token stands in the page, so that the PIN is typed once in ten minutes."""
        case_code = ""
        try:
            self._look.admit()
            form = parse_form(await request.body(), KNOWN)
            case_code = first(form, "case_code") or ""
            token = first(form, "token") or await self._token(form)
            view = await self._view(request, case_code, token)
        except Problem as problem:
            return self._again(language, case_code, problem)
        return self._renderer.page(
            "standing",
            language,
            province=view.province,
            urgent=view.alarmed,
            view=view,
            token=token,
            until=said_until(self._renderer.words[language].texts, view),
        )

    async def _token(self, form: Form) -> str:
        try:
            sent = SessionSent(case_code=first(form, "case_code") or "", pin=first(form, "pin") or "")
        except ValidationError:
            raise Problem(401, "wrong_code_or_pin") from None
        return await open_session(self._counter, sent)

    async def _view(self, request: Request, case_code: str, token: str) -> CaseView:
        verifier: TokenVerifier = request.app.state.tokens
        principal = verifier.verify(token, now=time.time())
        view = await self._look(read_case_code(case_code) or "")
        if view is None or principal.case_id != view.case_id:
            raise Problem(401, "token_invalid")
        return view

    def _again(self, language: str, case_code: str, problem: Problem) -> Response:
        if problem.code not in SAID:
            return self._renderer.problem(language, problem)
        seconds = problem.headers.get("Retry-After", "")
        wrong = {"case_code": FieldProblem("", problem.code, seconds)}
        return self._renderer.page(
            "status", language, status=problem.status, case_code=case_code, errors=wrong
        )


def said_until(texts: Mapping[str, Any], view: CaseView) -> str | None:
    """Until when it stands so, in words; None where there is no such time."""
    if view.standing.until is None:
        return None
    kind = {"booked": "until_booked", "offered": "until_offered", "waitlisted": "until_waiting"}.get(
        view.standing.state, "until"
    )
    return str(texts["status"][kind].format(when=said_when(texts, view.standing.until)))


def said_when(texts: Mapping[str, Any], moment: datetime) -> str:
    """A moment in words, by the country's clock."""
    local = moment.astimezone(ZONE)
    return str(
        texts["status"]["when"].format(
            day=texts["days"][local.weekday()],
            date=local.day,
            month=texts["months"][local.month - 1],
            time=f"{local:%H:%M}",
        )
    )
