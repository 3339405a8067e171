"""POST /v1/therapists/{id}/suspend and /resume: a coordinator takes a therapist out for a time."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from services.matching.api.profiles import Sent
from services.matching.api.therapists import answer, refused
from services.matching.domain.credentials import CredentialTable
from services.matching.domain.therapists import Refusal
from services.matching.domain.vocabulary import SuspensionReason
from services.matching.handlers.profiles import Described
from services.matching.handlers.suspensions import Order
from shared.web import Moment, Principal, Problem, allowed, parse
from shared.web.described import body_of
from shared.web.versions import seen_version

EXAMPLE: dict[str, Any] = {
    "from": "2027-03-01T00:00:00+05:00",
    "until": "2027-03-15T00:00:00+05:00",
    "reason": "leave",
}
NEVER = Refusal("/until", "not_after", "It has to end after now, and after it begins.")

Coordinator = Annotated[Principal, allowed("coordinator")]


class SuspensionSent(Sent):
    """Why, and from when until when: at once without `from`, until somebody lifts it without `until`."""

    reason: SuspensionReason
    begins: Moment | None = Field(None, alias="from")
    ends: Moment | None = Field(None, alias="until")


@dataclass(frozen=True, slots=True)
class Desk:
    """What the routes need."""

    credentials: CredentialTable
    suspend: Callable[[Order], Awaitable[Described]]
    resume: Callable[[Order], Awaitable[Described]]


def suspension_routes(desk: Desk) -> APIRouter:
    """For coordinators only. `If-Match` keeps two from overwriting another."""
    router = APIRouter(tags=["therapists"])

    @router.post(
        "/v1/therapists/{therapist_id}/suspend", openapi_extra=body_of(SuspensionSent, leave=EXAMPLE)
    )
    async def suspend(therapist_id: UUID, _: Coordinator, request: Request) -> Response:
        """Nobody new is sent to them from then on; hours that are booked stay. A suspension with an end ends by itself."""
        sent = parse(SuspensionSent, await request.body())
        seen, trace = seen_version(request), request.scope.get("traceparent")
        order = Order(therapist_id, sent.reason, sent.begins, sent.ends, seen, trace)
        return _answer(await desk.suspend(order), desk)

    @router.post("/v1/therapists/{therapist_id}/resume")
    async def resume(therapist_id: UUID, _: Coordinator, request: Request) -> Response:
        """They can be matched again from now on."""
        trace = request.scope.get("traceparent")
        order = Order(therapist_id, None, seen=seen_version(request), traceparent=trace)
        return _answer(await desk.resume(order), desk)

    return router


def _answer(described: Described, desk: Desk) -> Response:
    if described.outcome == "left":
        raise Problem(409, "therapist_left", "Who has left is neither suspended nor resumed.")
    if described.outcome == "never":
        raise refused([NEVER])
    return answer(described, desk.credentials)
