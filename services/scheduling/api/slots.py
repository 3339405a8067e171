"""GET /v1/slots: the open hours of therapists, page by page."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from services.scheduling.api.requests import LISTED_AT_ONCE, SlotsAsked
from services.scheduling.api.turns import answer
from services.scheduling.domain.availability import Need
from services.scheduling.domain.slots import Slot
from services.scheduling.domain.wall_time import minute_after, minute_of, moment_of, zone
from services.scheduling.handlers.listing import open_slots
from services.scheduling.repository.turns import InTurn
from shared.messaging import Transaction
from shared.web import FieldProblem, Principal, Problem, allowed, fast_json, pack_cursor, read_cursor, whole

Booker = Annotated[Principal, allowed("person", "therapist", "coordinator", "clinic_desk")]


def slot_routes(in_turn: InTurn) -> APIRouter:
    """For everybody who may book or move an hour."""
    router = APIRouter(tags=["slots"])

    @router.get("/v1/slots")
    async def list_slots(asked: Annotated[SlotsAsked, Query()], _: Booker, request: Request) -> Response:
        """Open starts in order of time, by the very rule that books them; good until somebody books. `next` is the
        cursor of the following page."""
        begins = read_cursor(asked.cursor, whole) or 0

        async def listed(tx: Transaction) -> list[Slot]:
            return await open_slots(tx, asked.therapist_id, _need(asked, begins, tx), asked.limit)

        found = await answer(in_turn, request, listed)
        following = pack_cursor(found[-1].start + 1) if len(found) >= asked.limit else None
        body = {"slots": [_shown(slot) for slot in found], "next": following}
        return fast_json(200, body, {"Cache-Control": "no-store"})

    return router


def _need(asked: SlotsAsked, begins: int, tx: Transaction) -> Need:
    since = asked.since or tx.now
    until = asked.until or max(since, tx.now) + LISTED_AT_ONCE
    if until <= since:
        field = FieldProblem("to", "end_before_start", "`to` is after `from`.")
        raise Problem(422, "invalid_request", "Some fields cannot be accepted.", [field])
    first, last = max(minute_after(since), begins), minute_of(until)
    return Need(lane=asked.lane, length=asked.minutes, people=(), first=first, last=last)


def _shown(slot: Slot) -> dict[str, Any]:
    wall = zone(slot.time_zone)
    return {
        "start": moment_of(slot.start).astimezone(wall).isoformat(),
        "end": moment_of(slot.end).astimezone(wall).isoformat(),
        "therapist_id": str(slot.therapist_id),
        "site_id": str(slot.site_id) if slot.site_id else None,
        "time_zone": slot.time_zone,
    }
