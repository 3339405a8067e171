"""Letting a case wait, and letting it go on: POST /v1/cases/{code}/pause and /resume, on what was seen of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response

from services.intake.api.cards import CardDeck
from services.intake.api.cases import find_for
from services.intake.api.duty import staff_of
from services.intake.api.problems import refused
from services.intake.api.requests import ConsentSent, Sent
from services.intake.api.together import read_together, together
from services.intake.api.views import IF_MATCH, check_seen, closed, render_view, stale
from services.intake.domain.policy import Policy
from services.intake.domain.refusals import Refusal
from services.intake.domain.requests import Consent
from services.intake.handlers.lookups import look_up_cases
from services.intake.handlers.pausing import Answer, Pausing, Resuming, pause_cases, resume_cases
from services.intake.repository.pauses import By
from services.intake.repository.standings import CaseView
from shared.messaging import Database
from shared.web import Principal, Problem, allowed, parse
from shared.web.described import body_of

Caller = Annotated[Principal, allowed("coordinator", own=("person",))]
REFUSED = {
    "not_pausable": "Nobody is being looked for just now, so there is nothing to pause.",
    "not_paused": "This case is not paused.",
    "consent_needed": "Its person has to agree to care first, and only they can.",
}
OTHERWISE = {"closed": closed, "stale": stale}
CARE: dict[str, Any] = {"consent": {"care": True, "contact": True, "text_version": "2026-01"}}


class PauseSent(Sent):
    """POST /v1/cases/{code}/pause: `until` is the day on which the search goes on by itself."""

    until: date | None = None


class ResumeSent(Sent):
    """POST /v1/cases/{code}/resume: consent comes from its person, where they have only called for help so far."""

    consent: ConsentSent | None = None


PAUSING = body_of(PauseSent, away={"until": "2035-01-15"}, until_i_ask={}) | IF_MATCH
RESUMING = body_of(ResumeSent, go_on={}, after_a_call_for_help=CARE) | IF_MATCH


@dataclass(frozen=True, slots=True)
class PauseDesk:
    """`look` reads a case; `pause` and `resume` share transactions."""

    cards: CardDeck
    look: Callable[[str], Awaitable[CaseView | None]]
    pause: Callable[[Pausing], Awaitable[Answer]]
    resume: Callable[[Resuming], Awaitable[Answer]]


def open_pause_desk(policy: Policy, cards: CardDeck, database: Database) -> PauseDesk:
    """The desk on this database."""
    return PauseDesk(
        cards,
        read_together(database, look_up_cases),
        together(database, pause_cases),
        together(database, partial(resume_cases, texts=tuple(policy.consent_texts))),
    )


def pause_routes(desk: PauseDesk) -> APIRouter:
    """Both routes, for the person and for a coordinator who speaks with them."""
    router = APIRouter(prefix="/v1/cases/{code}", tags=["cases"])

    @router.post("/pause", openapi_extra=PAUSING)
    async def pause(code: str, caller: Caller, request: Request) -> Response:
        """Nobody is looked for until that day begins where the person is, or until somebody lets the case go on. An
        hour that is booked is cancelled first."""
        view = await _seen(desk, code, caller, request)
        sent = parse(PauseSent, await request.body() or b"{}")
        wish = Pausing(view.case_id, view.version, sent.until, by(caller), _trace(request))
        return await _after(desk, view, await desk.pause(wish))

    @router.post("/resume", openapi_extra=RESUMING)
    async def resume(code: str, caller: Caller, request: Request) -> Response:
        """A case that is paused goes on, whatever it was paused for: somebody is looked for again."""
        view = await _seen(desk, code, caller, request)
        sent = parse(ResumeSent, await request.body() or b"{}")
        if sent.consent and caller.role != "person":
            raise refused([Refusal("/consent", "not_yours", "only the person themselves can agree")])
        wish = Resuming(view.case_id, view.version, _agreed(sent, view), by(caller), _trace(request))
        return await _after(desk, view, await desk.resume(wish))

    return router


def by(caller: Principal) -> By:
    """Who it is written down for."""
    if caller.role == "person":
        return By("person")
    return By("coordinator", staff_of(caller))


async def _seen(desk: PauseDesk, code: str, caller: Principal, request: Request) -> CaseView:
    """The case as the caller has seen it. Raises Problem 404, 409, 412, 428."""
    view = await find_for(desk.look, code, caller)
    check_seen(request, view)
    return view


async def _after(desk: PauseDesk, view: CaseView, answer: Answer) -> Response:
    if isinstance(answer, list):
        raise refused(answer)
    if answer is not None:
        raise OTHERWISE[answer]() if answer in OTHERWISE else Problem(409, answer, REFUSED[answer])
    return render_view(await desk.look(view.case_code) or view, desk.cards)


def _agreed(sent: ResumeSent, view: CaseView) -> Consent | None:
    if sent.consent is None:
        return None
    language = sent.consent.language or ("en" if view.card_language == "en" else "ur")
    return Consent(sent.consent.care, sent.consent.contact, sent.consent.text_version, language)


def _trace(request: Request) -> str | None:
    trace: str | None = request.scope.get("traceparent")
    return trace
