"""GET /v1/slots: the open hours of therapists, page by page."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.scheduling.api.requests import LISTED_AHEAD, LISTED_AT_ONCE, SlotsAsked
from services.scheduling.api.turns import answer
from services.scheduling.domain.availability import Need
from services.scheduling.domain.calendars import Lane
from services.scheduling.domain.slots import Slot
from services.scheduling.domain.wall_time import minute_after, minute_of, moment_of, zone
from services.scheduling.handlers.listing import Listed, open_slots
from services.scheduling.repository.turns import InTurn
from shared.messaging import Transaction
from shared.web import FieldProblem, Principal, Problem, allowed, fast_json, pack_cursor, read_cursor, whole

Booker = Annotated[Principal, allowed("person", "therapist", "coordinator", "clinic_desk")]


def slot_routes(in_turn: InTurn) -> APIRouter:
    """For everybody who may book or move an hour."""
    router = APIRouter(tags=["slots"])

    @router.get("/v1/slots")
    async def list_slots(asked: Annotated[SlotsAsked, Query()], _: Booker, request: Request) -> Response:
        """Open starts by the very rule that books them, good until somebody books: of each therapist who is asked for,
        in that order. The page holds the first of them all in order of time; `next` is the cursor of the following."""
        begins = read_cursor(asked.cursor, whole) or 0
        lane = _lane(asked)

        async def listed(tx: Transaction) -> Listed:
            need = _need(asked, lane, begins, tx.now)
            return await open_slots(tx, asked.therapist_id, need, asked.limit, asked.site_id)

        found = await answer(in_turn, request, listed)
        following = pack_cursor(found.slots[-1].start + 1) if len(found.slots) >= asked.limit else None
        therapists = [_grouped(one, found) for one in dict.fromkeys(asked.therapist_id)]
        return fast_json(200, {"therapists": therapists, "next": following}, {"Cache-Control": "no-store"})

    return router


def _lane(asked: SlotsAsked) -> Lane:
    """Raises Problem 422 where lane, modality and site do not go together."""
    by_modality: Lane | None = None
    if asked.modality is not None:
        by_modality = "in_person" if asked.modality == "in_person" else "online"
    if asked.lane and by_modality and asked.lane != by_modality:
        raise _wrong("modality", "other_lane", "This modality is of the other lane.")
    lane = asked.lane or by_modality or "online"
    if asked.site_id and lane == "online":
        raise _wrong("site_id", "not_allowed", "Only hours in person have a site.")
    return lane


def _need(asked: SlotsAsked, lane: Lane, begins: int, now: datetime) -> Need:
    """Raises Problem 422 where nothing can be asked for."""
    since = asked.since or now
    if since > now + LISTED_AHEAD:
        raise _wrong("from", "too_far", "Nobody plans that far ahead.")
    until = asked.until or max(since, now) + LISTED_AT_ONCE
    if until <= since:
        raise _wrong("to", "end_before_start", "`to` is after `from`.")
    if until <= now:
        raise _wrong("to", "in_the_past", "This time is over.")
    if until > now + LISTED_AHEAD + LISTED_AT_ONCE:
        raise _wrong("to", "too_far", "Nobody plans that far ahead.")
    first, last = max(minute_after(max(since, now)), begins), minute_of(until)
    return Need(lane=lane, length=asked.minutes, people=(), first=first, last=last)


def _wrong(parameter: str, code: str, detail: str) -> Problem:
    field = FieldProblem(parameter, code, detail)
    return Problem(422, "invalid_request", "Some fields cannot be accepted.", [field])


def _grouped(therapist_id: UUID, found: Listed) -> dict[str, Any]:
    return {
        "therapist_id": str(therapist_id),
        "time_zone": found.zones.get(therapist_id),
        "slots": [_shown(slot) for slot in found.slots if slot.therapist_id == therapist_id],
    }


def _shown(slot: Slot) -> dict[str, Any]:
    wall = zone(slot.time_zone)
    return {
        "start": moment_of(slot.start).astimezone(wall).isoformat(),
        "end": moment_of(slot.end).astimezone(wall).isoformat(),
        "site_id": str(slot.site_id) if slot.site_id else None,
    }
