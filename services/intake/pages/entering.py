"""Coming to one's own case: with code and PIN, or with the token that a page of ours carries for ten minutes."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from fastapi import Request, Response
from pydantic import ValidationError

from services.intake.api.requests import SessionSent
from services.intake.api.sessions import SessionCounter, open_session
from services.intake.domain.codes import read_case_code
from services.intake.pages.rendering import Renderer
from services.intake.pages.steps import first
from services.intake.repository.standings import CaseView
from shared.web import FieldProblem, Principal, Problem, TokenVerifier, parse_form
from shared.web.forms import Form

CARRIED = frozenset({"case_code", "pin", "token", "go"})
# What asking for code and PIN again can say; everything else is told as broken.
SAID = ("wrong_code_or_pin", "too_soon", "token_expired", "token_invalid")


class Shown(Protocol):
    """What a page shows of a case, and how that stands."""

    @property
    def view(self) -> CaseView: ...


S = TypeVar("S", bound=Shown)


@dataclass(frozen=True, slots=True)
class Entered:
    """Somebody at their own case; `token` goes into the forms of the page."""

    view: CaseView
    token: str
    form: Form


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody with a session, before it is clear what of; `code` is the one they came with."""

    principal: Principal
    code: str
    token: str
    form: Form


class Door:
    """Lets in whoever can show what they hold; nobody is kept out for good."""

    def __init__(self, renderer: Renderer, counter: SessionCounter) -> None:
        self._renderer = renderer
        self._counter = counter

    def ask(self, page: str, language: str) -> Response:
        """The empty form for code and PIN, in front of `page`."""
        return self._renderer.page("status", language, at=page, case_code="")

    async def enter(
        self, request: Request, form: Form, look: Callable[[str], Awaitable[CaseView | None]]
    ) -> Entered:
        """Whoever asked. Raises Problem 401 for what does not belong together, 429 for what came too soon."""
        return await own_case(await self.know(request, form), look)

    async def enter_with(
        self, request: Request, form: Form, look: Callable[[str], Awaitable[S | None]]
    ) -> tuple[Entered, S]:
        """The same for a page that shows more than how the case stands: with all that was looked up."""
        known = await self.know(request, form)
        found = await look(read_case_code(known.code) or "")
        entered = _own(known, found.view if found else None)
        assert found is not None  # nobody enters what is not there
        return entered, found

    async def know(self, request: Request, form: Form) -> Known:
        """Whoever asked or takes part. Raises Problem 401 for what does not belong together, 429 for what came too soon."""
        token = first(form, "token") or await self._token(form)
        verifier: TokenVerifier = request.app.state.tokens
        return Known(verifier.verify(token, now=time.time()), first(form, "case_code") or "", token, form)

    def again(self, page: str, language: str, form: Form, problem: Problem) -> Response:
        """The form with what was wrong; what is not the visitor's to put right is told as a problem."""
        if problem.code not in SAID:
            return self._renderer.problem(language, problem)
        code, seconds = first(form, "case_code") or "", problem.headers.get("Retry-After", "")
        wrong = {"case_code": FieldProblem("", problem.code, seconds)}
        return self._renderer.page(
            "status", language, status=problem.status, at=page, case_code=code, errors=wrong
        )

    async def _token(self, form: Form) -> str:
        try:
            sent = SessionSent(case_code=first(form, "case_code") or "", pin=first(form, "pin") or "")
        except ValidationError:
            raise Problem(401, "wrong_code_or_pin") from None
        return await open_session(self._counter, sent)


async def own_case(known: Known, look: Callable[[str], Awaitable[CaseView | None]]) -> Entered:
    """The case they asked for. Raises Problem 401 for whoever asked for none, or for another one."""
    return _own(known, await look(read_case_code(known.code) or ""))


def _own(known: Known, view: CaseView | None) -> Entered:
    if view is None or known.principal.role != "person" or known.principal.case_id != view.case_id:
        raise Problem(401, "token_invalid")
    return Entered(view, known.token, known.form)


async def read_sent(request: Request, known: frozenset[str]) -> Form:
    """The form of a page behind the door. Raises Problem 400 for what none of ours sends."""
    return parse_form(await request.body(), CARRIED | known, tokens=("token",))
