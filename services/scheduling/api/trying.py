"""/v1/changes/…: what a change of a calendar would mean for what is booked, before anybody makes it."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.scheduling.api.exceptions import BODY, NO_STORE, ExceptionSent
from services.scheduling.api.places import Keeper, check_own
from services.scheduling.api.requests import CALENDAR, CalendarSent
from services.scheduling.api.standing import told
from services.scheduling.api.turns import answer
from services.scheduling.handlers import trying
from services.scheduling.handlers.trying import Trial
from services.scheduling.repository.turns import InTurn
from shared.web import fast_json, parse
from shared.web.described import body_of


def trial_routes(in_turn: InTurn) -> APIRouter:
    """The body and the path of the change itself, behind `/v1/changes`. Nothing is written, so nothing needs a key or a
    version: `would_be_outside` are the appointments that the change would leave where the calendar is not open, and
    `booked_outside` those that are there already."""
    router = APIRouter(prefix="/v1/changes/calendars/{therapist_id}", tags=["calendars"])

    @router.post("", openapi_extra=body_of(CalendarSent, calendar=CALENDAR))
    async def try_calendar(therapist_id: UUID, caller: Keeper, request: Request) -> Response:
        """As if the week were written (`PUT /v1/calendars/{therapist_id}`)."""
        check_own(caller, therapist_id)
        wanted = parse(CalendarSent, await request.body()).meant(therapist_id)
        return _shown(await answer(in_turn, request, lambda tx: trying.try_calendar(tx, wanted)))

    @router.post("/exceptions/{exception_id}", openapi_extra=BODY)
    async def try_exception(
        therapist_id: UUID, exception_id: UUID, caller: Keeper, request: Request
    ) -> Response:
        """As if the exception were written (`PUT /v1/calendars/{therapist_id}/exceptions/{exception_id}`)."""
        check_own(caller, therapist_id)
        wanted = parse(ExceptionSent, await request.body()).meant(exception_id)
        return _shown(
            await answer(in_turn, request, lambda tx: trying.try_exception(tx, therapist_id, wanted))
        )

    return router


def _shown(trial: Trial) -> Response:
    body: dict[str, Any] = {"would_be_outside": told(trial.newly)["booked_outside"]}
    return fast_json(200, body | told(trial.already), NO_STORE)
