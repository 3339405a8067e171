"""/v1/appointments/{id}/confirm, arrive, fulfil, no-show: what staff say of a booked hour."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.scheduling.api.appointments import caller_of, shown
from services.scheduling.api.turns import answer
from services.scheduling.domain.attendance import Step
from services.scheduling.handlers.attending import take_step, undo
from services.scheduling.repository.turns import InTurn
from shared.web import Principal, allowed
from shared.web.versions import seen_version

Attending = Annotated[Principal, allowed("coordinator", own=("therapist", "clinic_desk"))]


def attending_routes(in_turn: InTurn, undo_within: timedelta) -> APIRouter:
    """For the therapist and the staff of the organisation. If-Match says which version was seen; a step that was
    taken already changes nothing, so each is safe to send twice."""
    router = APIRouter(tags=["appointments"])

    async def take(step: Step, appointment_id: UUID, staff: Principal, request: Request) -> Response:
        caller, seen = caller_of(staff), seen_version(request)
        after = await answer(in_turn, request, lambda tx: take_step(tx, appointment_id, caller, step, seen))
        return shown(after, caller)

    @router.post("/v1/appointments/{appointment_id}/confirm")
    async def confirm(appointment_id: UUID, staff: Attending, request: Request) -> Response:
        """A provisional hour stays: it is firm from now on, and the people are told once more."""
        return await take("confirm", appointment_id, staff, request)

    @router.post("/v1/appointments/{appointment_id}/arrive")
    async def arrive(appointment_id: UUID, staff: Attending, request: Request) -> Response:
        """They are here, in the waiting room or in the call; from twelve hours before the start on."""
        return await take("arrive", appointment_id, staff, request)

    @router.post("/v1/appointments/{appointment_id}/fulfil")
    async def fulfil(appointment_id: UUID, staff: Attending, request: Request) -> Response:
        """The session takes place or took place; who arrived, and not before the start."""
        return await take("fulfil", appointment_id, staff, request)

    @router.post("/v1/appointments/{appointment_id}/no-show")
    async def no_show(appointment_id: UUID, staff: Attending, request: Request) -> Response:
        """Nobody came; not before the start: 409 `too_early` says from when on (`possible_from`)."""
        return await take("no_show", appointment_id, staff, request)

    @router.post("/v1/appointments/{appointment_id}/undo")
    async def take_back(appointment_id: UUID, staff: Attending, request: Request) -> Response:
        """An arrival or a no-show was said by mistake: it stands booked again, and nobody is asked why they missed it.
        For an hour after it; then 409 `too_late`, as after a session that took place 409 `already_fulfilled`."""
        caller, seen = caller_of(staff), seen_version(request)
        after = await answer(in_turn, request, lambda tx: undo(tx, appointment_id, caller, seen, undo_within))
        return shown(after, caller)

    return router
