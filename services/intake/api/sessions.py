"""Coming back: POST /v1/sessions, and the keys by which every service knows a token of ours."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from services.intake.api.requests import SessionSent
from services.intake.domain.codes import read_pin, tried_code
from services.intake.handlers.sessions import Knock, Refused
from services.intake.repository.sessions import Holder
from shared.web import PUBLIC, Problem, TokenSigner, fast_json, parse
from shared.web.described import body_of

MINUTES = 10


@dataclass(frozen=True, slots=True)
class SessionCounter:
    """`knock` shares transactions between tries that come together."""

    signer: TokenSigner
    jwks: bytes
    knock: Callable[[Knock], Awaitable[Holder | Refused]]


def session_routes(counter: SessionCounter) -> APIRouter:
    """POST /v1/sessions and GET /.well-known/jwks.json."""
    router = APIRouter(tags=["sessions"])

    @router.post(
        "/v1/sessions",
        openapi_extra=body_of(SessionSent, person={"case_code": "0123456789", "pin": "123456"}) | PUBLIC,
    )
    async def come_back(request: Request) -> Response:
        """A token for ten minutes, for whoever asked or, with a code of their own, agreed to take part. A code that does not exist and a wrong PIN are answered alike."""
        token = await open_session(counter, parse(SessionSent, await request.body()))
        answer = {"token": token, "expires_in": MINUTES * 60}
        return fast_json(200, answer, {"Cache-Control": "no-store"})

    @router.get("/.well-known/jwks.json", openapi_extra=PUBLIC)
    async def published_keys() -> Response:
        """Public keys (RFC 7517)."""
        return fast_json(200, counter.jwks, {"Cache-Control": "max-age=300"})

    return router


def too_soon(refused: Refused) -> Problem:
    """After several wrong tries: for how long no other is looked at."""
    headers = {"Retry-After": str(refused.wait_seconds)}
    return Problem(429, "too_soon", "Please wait a moment before the next try.", headers=headers)


async def open_session(counter: SessionCounter, sent: SessionSent) -> str:
    """A token for ten minutes. Raises Problem 401 for what does not belong together, 429 for what came too soon."""
    found = await counter.knock(Knock(tried_code(sent.case_code), read_pin(sent.pin)))
    if isinstance(found, Refused):
        raise _refusal(found)
    claims = {"case_id": str(found.case_id), "attendee_id": str(found.attendee_id)}
    return counter.signer.sign(str(found.attendee_id), found.role, claims, now=time.time(), minutes=MINUTES)


def _refusal(refused: Refused) -> Problem:
    if refused.wait_seconds:
        return too_soon(refused)
    return Problem(401, "wrong_code_or_pin", "Case code and PIN do not belong together.")
