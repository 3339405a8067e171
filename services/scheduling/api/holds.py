"""/v1/holds: an hour is kept for a case while somebody asks the people, and then booked or given back."""

import hashlib
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.scheduling.api.appointments import caller_of, hour_of, shown, whole_minute
from services.scheduling.api.requests import HOLD, HoldSent
from services.scheduling.api.turns import answer
from services.scheduling.domain.holds import Hold, Wanted
from services.scheduling.domain.wall_time import zone
from services.scheduling.handlers import holding
from services.scheduling.repository.turns import InTurn
from shared.web import Principal, allowed, fast_json, parse
from shared.web.described import body_of
from shared.web.idempotency import KeyedRequest
from shared.web.posts import KEY_PARAMETER, idempotency_key

Holder = Annotated[Principal, allowed("coordinator", own=("therapist", "clinic_desk"))]
SCOPE = "POST /v1/holds"


def hold_routes(in_turn: InTurn) -> APIRouter:
    """For staff: coordinators, the desk for therapists and cases of its organisation, therapists for their own. A hold
    only ever ends, so there is no version to name: whoever ends it twice, or after somebody else, is told how it ended."""
    router = APIRouter(prefix="/v1/holds", tags=["holds"])

    @router.post("", status_code=201, openapi_extra=body_of(HoldSent, hold=HOLD) | KEY_PARAMETER)
    async def hold(holder: Holder, request: Request) -> Response:
        """Keeps an open hour, as long as the case's last one, for a case whose last hour was cancelled or is over: nobody
        else gets it until `held_until`, then everybody may. 409 names the nearest `alternatives`."""
        keyed, body = await _keyed(holder, request), await request.body()
        wanted, caller = _wanted(parse(HoldSent, body)), caller_of(holder)
        made = await answer(in_turn, request, lambda tx: holding.hold(tx, wanted, caller, keyed))
        return _shown(made, 201)

    @router.get("/{hold_id}")
    async def show(hold_id: UUID, holder: Holder, request: Request) -> Response:
        """How it stands: held, confirmed, or released and why. With `take_by` it is part of an offer: staff cannot confirm it,
        its person takes it by choosing."""
        caller = caller_of(holder)
        return _shown(await answer(in_turn, request, lambda tx: holding.show(tx, hold_id, caller)))

    @router.post("/{hold_id}/confirm")
    async def confirm(hold_id: UUID, holder: Holder, request: Request) -> Response:
        """Books the hour; the answer is the appointment, which has the id of the hold. The people are told. 409 `not_open` where
        the hour was closed meanwhile: by a holiday, time off, a closure, other rules, or that its therapist takes nobody any more."""
        caller = caller_of(holder)
        booked = await answer(in_turn, request, lambda tx: holding.confirm(tx, hold_id, caller))
        return shown(booked, caller)

    @router.delete("/{hold_id}")
    async def give_back(hold_id: UUID, holder: Holder, request: Request) -> Response:
        """Gives the hour back before its time."""
        caller = caller_of(holder)
        return _shown(await answer(in_turn, request, lambda tx: holding.give_back(tx, hold_id, caller)))

    return router


async def _keyed(holder: Principal, request: Request) -> KeyedRequest:
    digest = hashlib.blake2b(holder.subject.encode() + b"|" + await request.body(), digest_size=32).digest()
    return KeyedRequest(SCOPE, idempotency_key(request), digest)


def _wanted(sent: HoldSent) -> Wanted:
    return Wanted(
        case_id=sent.case_id,
        therapist_id=sent.therapist_id,
        start=whole_minute(sent.start),
        modality=sent.modality,
        site_id=sent.site_id,
        minutes=sent.hold_minutes,
    )


def _shown(hold: Hold, status: int = 200) -> Response:
    one, path = hold.appointment, f"/v1/holds/{hold.id}"
    wall = zone(one.time_zone)
    links = {"self": path}
    if hold.state == "held" and hold.take_by is None:
        links |= {"confirm": f"{path}/confirm"}
    if hold.state == "confirmed":
        links |= {"appointment": f"/v1/appointments/{hold.id}"}
    body: dict[str, Any] = {
        "hold_id": str(hold.id),
        "state": hold.state,
        "reason": hold.reason,
        "take_by": hold.take_by and hold.take_by.astimezone(wall).isoformat(timespec="seconds"),
        "held_until": hold.held_until.astimezone(wall).isoformat(timespec="seconds"),
        **hour_of(one),
        "links": links,
    }
    headers = {"Cache-Control": "no-store"} | ({"Location": path} if status == 201 else {})
    return fast_json(status, body, headers)
