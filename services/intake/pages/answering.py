"""Answering an invitation with the code and the PIN that somebody handed on; the page says nothing of their request."""

from collections.abc import Awaitable, Callable

from fastapi import Request, Response

from services.intake.domain.codes import read_pin, tried_code
from services.intake.domain.requests import Consent
from services.intake.handlers.invitations import Answered, Outcome
from services.intake.handlers.sessions import Knock, Refused
from services.intake.pages.rendering import Renderer
from services.intake.pages.steps import first
from shared.web import FieldProblem, Problem, parse_form
from shared.web.forms import Form

KNOWN = frozenset({"case_code", "pin", "contact_consent", "go"})
LONGEST = 40


class Answering:
    """GET and POST /{language}/invitation."""

    def __init__(self, renderer: Renderer, answer: Callable[[Answered], Awaitable[Outcome]]) -> None:
        self._renderer = renderer
        self._answer = answer

    async def ask_for_code(self, language: str, _: Request) -> Response:
        """The empty form, with what there is to agree to."""
        return self._renderer.page("invitation", language)

    async def answer(self, language: str, request: Request) -> Response:
        """Their own word; twice is once."""
        try:
            form = parse_form(await request.body(), KNOWN)
        except Problem as problem:
            return self._renderer.problem(language, problem)
        go = first(form, "go")
        if go not in ("accept", "decline"):
            return self._renderer.problem(language, Problem(400, "broken_form"))
        consent = self._consent(language, form) if go == "accept" else None
        trace = request.scope.get("traceparent")
        outcome = await self._answer(Answered(_knock(form), consent, trace))
        if outcome is not None:
            return self._again(language, form, outcome)
        return self._renderer.page("answered", language, given=consent is not None)

    def _consent(self, language: str, form: Form) -> Consent:
        version = self._renderer.words[language].consent_version
        return Consent(True, "contact_consent" in form, version, language)

    def _again(self, language: str, form: Form, outcome: Outcome) -> Response:
        seconds = str(outcome.wait_seconds) if isinstance(outcome, Refused) and outcome.wait_seconds else ""
        ended = {"closed": "case_closed", "expired": "invitation_expired"}
        code = ended.get(str(outcome)) or ("too_soon" if seconds else "wrong_code_or_pin")
        status = {"case_closed": 409, "invitation_expired": 410, "too_soon": 429}.get(code, 401)
        wrong = {"case_code": FieldProblem("", code, seconds)}
        shown = {"case_code": form["case_code"]} if "case_code" in form else {}
        return self._renderer.page("invitation", language, status=status, draft=shown, errors=wrong)


def _knock(form: Form) -> Knock:
    return Knock(tried_code(first(form, "case_code") or ""), read_pin((first(form, "pin") or "")[:LONGEST]))
