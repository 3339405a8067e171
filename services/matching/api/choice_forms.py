"""POST /v1/matches/choice: the form of a page, without script. It decides as `accept` and `decline` do, then sends the
browser back to the pages with the same form (307), which is where the outcome is shown (decisions/0015)."""

import hashlib
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Literal, cast, get_args
from uuid import UUID

from fastapi import APIRouter, FastAPI, Request, Response

from services.matching.api.offers import OfferCounter
from services.matching.domain.offers import DeclineReason
from services.matching.handlers.choosing import Decision, Refused
from shared.web import FORMS, Problem, TokenVerifier, parse_form, read_other_bodies
from shared.web.forms import Form
from shared.web.idempotency import Claim

PATH = "/v1/matches/choice"
KNOWN = frozenset({"case_code", "token", "language", "match_id", "option_id", "reason", "go"})
LANGUAGES = ("en", "ur")
REASONS = get_args(DeclineReason)

Outcome = Literal["made", "declined", "decided", "over", "gone", "hour_gone", "none", "again"]
# What each refusal is to the person; whatever is not here is worth another try.
REFUSALS: Mapping[str, Outcome] = {
    "unknown_option": "none",
    "option_gone": "gone",
    "hour_gone": "hour_gone",
    "accepted": "decided",
    "declined": "decided",
    "expired": "over",
    "superseded": "over",
    "withdrawn": "over",
}


def serve_choice_forms(app: FastAPI, counter: OfferCounter, pages_at: str) -> None:
    """The one route; `pages_at` is where a browser finds the pages, empty where one address serves everything. The
    token is in the form and not in a cookie, so no other site can send it."""
    router = APIRouter(include_in_schema=False)

    @router.post(PATH)
    async def choose(request: Request) -> Response:
        form = parse_form(await request.body(), KNOWN, tokens=("token",))
        language = form.get("language", LANGUAGES)[0]
        if language not in LANGUAGES:
            raise _broken()
        outcome = await _outcome(counter, request, form)
        headers = {"Location": f"{pages_at}/{language}/choice/{outcome}", "Cache-Control": "no-store"}
        return Response(None, 307, headers)

    app.include_router(router)
    read_other_bodies(app, "POST", PATH, FORMS)


async def _outcome(counter: OfferCounter, request: Request, form: Form) -> Outcome:
    try:
        decision = _decision(request, form)
        answer = await counter.decide(decision, request.scope.get("traceparent")) if decision else None
    except Problem as problem:
        if problem.status == 400:
            raise
        return "again"
    if decision is None:
        return "none"
    if isinstance(answer, Refused):
        return REFUSALS.get(answer.why, "again")
    if isinstance(answer, Claim):
        return "again"
    return "made" if decision.option_id else "declined"


def _decision(request: Request, form: Form) -> Decision | None:
    """None where an option was to be chosen and none is. Raises Problem 400 or 401."""
    verifier: TokenVerifier = request.app.state.tokens
    person = verifier.verify(form.get("token", ("",))[0], now=time.time())
    if person.role != "person":
        raise Problem(401, "token_invalid")
    match_id, reason = _uuid(form, "match_id"), form.get("reason", REASONS[-1:])[0]
    go = form.get("go", ("",))[0]
    if match_id is None or reason not in REASONS or go not in ("choose", "decline"):
        raise _broken()
    option_id, start = _chosen(form) if go == "choose" else (None, None)
    if go == "choose" and option_id is None:
        return None
    key = f"page-{option_id or reason}" + (f"-{start:%Y%m%dT%H%M}" if start else "")
    digest = hashlib.blake2b(key.encode(), digest_size=32).digest()
    declined = None if option_id else cast(DeclineReason, reason)
    return Decision(match_id, person.case_id, key, digest, option_id, declined, start)


def _chosen(form: Form) -> tuple[UUID | None, datetime | None]:
    """The option, and the hour that stood beside it on the page: kept, and wished with it. Raises Problem 400."""
    option, _, start = form.get("option_id", ("",))[0].partition(" ")
    try:
        hour = datetime.fromisoformat(start) if start else None
    except ValueError:
        raise _broken() from None
    if hour is not None and hour.tzinfo is None:
        raise _broken()
    return _as_uuid(option), hour


def _broken() -> Problem:
    return Problem(400, "broken_form", "This is not what the form sends.")


def _uuid(form: Form, name: str) -> UUID | None:
    return _as_uuid(form.get(name, ("",))[0])


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
