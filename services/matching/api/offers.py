"""GET /v1/matches/{match_id}, accept and decline: a person chooses with whom to speak."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict

from services.matching.domain.offers import DeclineReason
from services.matching.handlers.choosing import Answer, Decision, Refused
from services.matching.handlers.showing import Shown, ShownOption
from shared.web import FieldProblem, Principal, Problem, allowed, fast_json, parse
from shared.web.described import body_of
from shared.web.idempotency import Claim, refusal
from shared.web.posts import KEY_PARAMETER, idempotency_key

Person = Annotated[Principal, allowed(own=("person",))]
PRIVATE = {"Cache-Control": "private, no-store"}
CHOSEN = {"option_id": "5b0e8f4c-6d1a-4c37-9f0e-2a7d3b91c6e4"}
ENDED = {
    "accepted": "This was decided already.",
    "declined": "This was decided already.",
    "expired": "The time to choose is over; the request keeps its place.",
    "superseded": "The request has changed; there is or will be another offer.",
    "withdrawn": "The request has ended.",
}


class Accepting(BaseModel):
    """The option that the person chooses; with `start` only if just that hour, which is kept for them, is still theirs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    option_id: UUID
    start: AwareDatetime | None = None


class Declining(BaseModel):
    """Why none of the options is chosen, as a code."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: DeclineReason = "rather_not_say"


@dataclass(frozen=True, slots=True)
class OfferCounter:
    """What the routes need; with a decision goes the trace that it is part of."""

    show: Callable[[UUID, UUID | None], Awaitable[Shown | None]]
    decide: Callable[[Decision, str | None], Awaitable[Answer | Refused | Claim]]


def offer_routes(counter: OfferCounter) -> APIRouter:
    """For the person whose offer it is."""
    router = APIRouter(tags=["matches"])

    @router.get("/v1/matches/{match_id}")
    async def look(match_id: UUID, person: Person) -> Response:
        """The options with what helps to choose. `why` names the wishes that are met; nobody's name is known here."""
        shown = await counter.show(match_id, person.case_id)
        if shown is None:
            raise _not_found()
        return fast_json(200, _shown(shown), PRIVATE)

    _add_decisions(router, counter)
    return router


def _add_decisions(router: APIRouter, counter: OfferCounter) -> None:
    @router.post(
        "/v1/matches/{match_id}/accept",
        openapi_extra=body_of(
            Accepting, chosen=CHOSEN, with_its_hour=CHOSEN | {"start": "2026-12-01T15:00:00+05:00"}
        )
        | KEY_PARAMETER,
    )
    async def accept(match_id: UUID, person: Person, request: Request) -> Response:
        """Chooses one. The hour that is kept with this therapist is booked, or else one is sought at once; the others are not
        asked. `hour_gone` where a `start` is named that is kept no more: the offer stands, also for this one."""
        body = await request.body()
        said = parse(Accepting, body)
        return await _decide(
            counter,
            request,
            Decision(match_id, person.case_id, *_same(request, body), said.option_id, start=said.start),
        )

    @router.post(
        "/v1/matches/{match_id}/decline",
        openapi_extra=body_of(Declining, too_far={"reason": "too_far"}) | KEY_PARAMETER,
    )
    async def decline(match_id: UUID, person: Person, request: Request) -> Response:
        """Wants none of them. Others are looked for, and these are not offered again for the same request."""
        body = await request.body()
        said = parse(Declining, body)
        keyed = _same(request, body)
        return await _decide(counter, request, Decision(match_id, person.case_id, *keyed, reason=said.reason))


async def _decide(counter: OfferCounter, request: Request, decision: Decision) -> Response:
    answer = await counter.decide(decision, request.scope.get("traceparent"))
    if isinstance(answer, Claim):
        raise refusal(answer)
    if isinstance(answer, Refused):
        raise _refused(answer)
    return fast_json(200, answer, PRIVATE)


def _same(request: Request, body: bytes) -> tuple[str, bytes]:
    """The key, and by what a repeat is known to be the same request."""
    return idempotency_key(request), hashlib.blake2b(
        request.url.path.encode() + body, digest_size=32
    ).digest()


def _refused(refused: Refused) -> Problem:
    if refused.why == "not_found":
        return _not_found()
    if refused.why == "unknown_option":
        field = FieldProblem("/option_id", "unknown_option", "This is none of the options.")
        return Problem(422, "invalid_request", "Some fields cannot be accepted.", [field])
    if refused.why == "option_gone":
        return Problem(409, "option_gone", "This one has no place any more; another may be chosen.")
    if refused.why == "hour_gone":
        detail = "This hour is not kept any more; without a start the next one that is free is sought."
        return Problem(409, "hour_gone", detail)
    code = "already_decided" if refused.why in ("accepted", "declined") else f"offer_{refused.why}"
    return Problem(409, code, ENDED[refused.why])


def _not_found() -> Problem:
    """The same for an offer that does not exist and for somebody else's."""
    return Problem(404, "match_not_found", "There is no such offer, or it is not yours.")


def _shown(shown: Shown) -> dict[str, Any]:
    offer = shown.offer
    path = f"/v1/matches/{offer.match_id}"
    links = {"self": path}
    if shown.state == "open":
        links |= {"accept": f"{path}/accept", "decline": f"{path}/decline"}
    return {
        "match_id": str(offer.match_id),
        "state": shown.state,
        "offered_at": offer.offered_at,
        "expires_at": offer.expires_at,
        "chosen": str(offer.option_id) if offer.option_id else None,
        "options": [_option(one, offer.modality) for one in shown.options],
        "links": links,
    }


def _option(one: ShownOption, modality: str) -> dict[str, Any]:
    profile, hour = one.profile, one.hour
    return {
        "option_id": str(one.choice.option_id),
        "available": one.available,
        "modality": modality,
        "organisation": profile.organisation if profile else None,
        "gender": profile.gender if profile else None,
        "languages": [one.language for one in profile.languages] if profile else [],
        "fee": profile.fee if profile else None,
        "sliding_fee": profile.sliding_fee if profile else None,
        "within_km": one.within_km,
        "why": one.why,
        "hour": {"start": hour.start, "end": hour.end, "take_by": hour.until} if hour else None,
    }
