"""Answering an invitation to take part: POST /v1/invitations/{code}/accept and /decline, with the PIN that came with it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import StringConstraints

from services.intake.api.problems import refused
from services.intake.api.requests import ConsentSent, Sent
from services.intake.api.sessions import too_soon
from services.intake.domain.codes import read_pin, tried_code
from services.intake.domain.policy import Policy
from services.intake.domain.refusals import Refusal
from services.intake.domain.requests import Consent, unknown_text
from services.intake.handlers.invitations import Answered, Outcome
from services.intake.handlers.sessions import Knock, Refused
from shared.web import PUBLIC, Problem, fast_json, parse
from shared.web.described import body_of

Pin = Annotated[str, StringConstraints(max_length=12)]


class DeclineSent(Sent):
    """POST /v1/invitations/{code}/decline. Nobody is asked why."""

    pin: Pin


class AcceptSent(Sent):
    """POST /v1/invitations/{code}/accept: their own consent, also to whether we may write to them."""

    pin: Pin
    consent: ConsentSent


@dataclass(frozen=True, slots=True)
class InvitationDesk:
    """`answer` shares transactions between answers that come together."""

    policy: Policy
    answer: Callable[[Answered], Awaitable[Outcome]]


ACCEPT = {"pin": "123456", "consent": {"care": True, "contact": True, "text_version": "2026-01"}}


def invitation_routes(desk: InvitationDesk) -> APIRouter:
    """Both routes. They show nothing of the case, nor of what others answered."""
    router = APIRouter(tags=["invitations"])

    @router.post("/v1/invitations/{code}/accept", openapi_extra=body_of(AcceptSent, accept=ACCEPT) | PUBLIC)
    async def accept(code: str, request: Request) -> Response:
        """Takes part. Twice is once; after declining it is a change of mind."""
        sent = parse(AcceptSent, await request.body())
        consent = _consent(desk.policy, sent.consent)
        await _answer(desk, request, Knock(tried_code(code), read_pin(sent.pin)), consent)
        return fast_json(200, {"consent": "given"}, NO_STORE)

    @router.post(
        "/v1/invitations/{code}/decline",
        openapi_extra=body_of(DeclineSent, decline={"pin": "123456"}) | PUBLIC,
    )
    async def decline(code: str, request: Request) -> Response:
        """Does not take part, or no longer; we write to them no more. Nobody is told, but for a minor's last guardian:
        without one the case is closed."""
        sent = parse(DeclineSent, await request.body())
        await _answer(desk, request, Knock(tried_code(code), read_pin(sent.pin)), None)
        return fast_json(200, {"consent": "declined"}, NO_STORE)

    return router


NO_STORE = {"Cache-Control": "no-store"}


def _consent(policy: Policy, sent: ConsentSent) -> Consent:
    refusals = []
    if not sent.care:
        refusals.append(Refusal("/consent/care", "consent_needed", "to take part is to consent to care"))
    refusals += unknown_text(sent.text_version, policy.consent_texts)
    if refusals:
        raise refused(refusals)
    return Consent(sent.care, sent.contact, sent.text_version, sent.language or "en")


async def _answer(desk: InvitationDesk, request: Request, knock: Knock, consent: Consent | None) -> None:
    outcome = await desk.answer(Answered(knock, consent, request.scope.get("traceparent")))
    if outcome == "closed":
        raise Problem(409, "case_closed", "There is nothing to take part in any more.")
    if outcome == "expired":
        raise Problem(410, "invitation_expired", "The time to answer this invitation is over.")
    if isinstance(outcome, Refused):
        if outcome.wait_seconds:
            raise too_soon(outcome)
        raise Problem(401, "wrong_code_or_pin", "Code and PIN do not belong together.")
