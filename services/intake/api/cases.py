"""Asking for care, and how it stands: POST and GET /v1/cases."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import blake2b

from fastapi import APIRouter, Request, Response

from services.intake.api.cards import CardDeck
from services.intake.api.posts import idempotency_key
from services.intake.api.problems import refused
from services.intake.api.requests import EXAMPLE, SMALLEST, CaseSent
from services.intake.api.views import not_found, render_view
from services.intake.domain.checking import check
from services.intake.domain.codes import pin, read_case_code
from services.intake.domain.policy import Policy
from services.intake.domain.requests import CareRequest
from services.intake.handlers.acceptance import Post
from services.intake.handlers.submission import Accepted, Asked
from services.intake.repository.standings import CaseView
from shared.web import fast_json, parse, require
from shared.web.described import body_of

BODY = body_of(CaseSent, smallest=SMALLEST, full=EXAMPLE) | {
    "parameters": [
        {"name": "Idempotency-Key", "in": "header", "required": True, "schema": {"type": "string"}}
    ]
}


@dataclass(frozen=True, slots=True)
class CaseCounter:
    """What the routes need; `accept` and `look` share transactions between requests that come together."""

    policy: Policy
    cards: CardDeck
    pin_key: bytes
    lookup_key: bytes
    accept: Callable[[Post], Awaitable[Accepted]]
    look: Callable[[str], Awaitable[CaseView | None]]


def case_routes(counter: CaseCounter) -> APIRouter:
    """POST /v1/cases and GET /v1/cases/{code}."""
    router = APIRouter(tags=["cases"])

    @router.post("/v1/cases", status_code=202, openapi_extra=BODY)
    async def ask(request: Request) -> Response:
        """Asks for care. 202 once it is durable; everything else follows by itself."""
        body = await request.body()
        key = idempotency_key(request)
        care = _read(counter.policy, body)
        digest = blake2b(body, key=counter.lookup_key, digest_size=32).digest()
        accepted = await counter.accept(Post(key, digest, Asked(care, request.scope.get("traceparent"))))
        return _answer(counter, accepted)

    @router.get("/v1/cases/{code}")
    async def look(code: str, request: Request) -> Response:
        """How a case stands, for its person and for those who coordinate care."""
        principal = require(request, "person", "coordinator", "duty_clinician")
        view = await counter.look(read_case_code(code) or "")
        if view is None or (principal.role == "person" and principal.case_id != view.case_id):
            raise not_found()
        return render_view(view, counter.cards, request.headers.get("if-none-match"))

    return router


def _read(policy: Policy, body: bytes) -> CareRequest:
    care = check(policy, parse(CaseSent, body).meant())
    if isinstance(care, list):
        raise refused(care)
    return care


def _answer(counter: CaseCounter, accepted: Accepted) -> Response:
    code, secret = accepted.case_code, pin(counter.pin_key, accepted.case_id)
    body = f'{{"case_code":"{code}","pin":"{secret}","status_url":"/v1/cases/{code}"'.encode()
    if accepted.alarmed:
        body += b',"crisis":' + counter.cards.printed(accepted.province, accepted.card_language)
    return fast_json(202, body + b"}", {"Location": f"/v1/cases/{code}", "Cache-Control": "no-store"})
