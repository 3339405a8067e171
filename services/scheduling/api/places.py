"""PUT and GET /v1/sites/{id}, /v1/rooms/{id}, /v1/calendars/{therapist_id}: where and when people are seen."""

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.scheduling.api.requests import CALENDAR, ROOM, SITE, CalendarSent, RoomSent, SiteSent
from services.scheduling.api.standing import told
from services.scheduling.api.turns import answer
from services.scheduling.domain.calendars import Calendar
from services.scheduling.handlers import places
from services.scheduling.repository.turns import InTurn
from shared.contracts.roles import ROLES
from shared.messaging import Transaction
from shared.web import Principal, Problem, allowed, fast_json, parse
from shared.web.described import body_of
from shared.web.versions import etag, seen_version

Coordinator = Annotated[Principal, allowed("coordinator")]
Desk = Annotated[Principal, allowed("coordinator", "clinic_desk")]
SignedIn = Annotated[Principal, allowed(*ROLES)]
Keeper = Annotated[Principal, allowed("coordinator", own=("therapist",))]


def place_routes(in_turn: InTurn) -> APIRouter:
    """Sites and rooms are coordinators' business. Writing the same again changes nothing; changes need If-Match."""
    router = APIRouter(tags=["places"])
    _site_routes(router, in_turn)
    _room_routes(router, in_turn)
    return router


def _site_routes(router: APIRouter, in_turn: InTurn) -> None:
    @router.put("/v1/sites/{site_id}", openapi_extra=body_of(SiteSent, site=SITE))
    async def save_site(site_id: UUID, _: Coordinator, request: Request) -> Response:
        """Writes a site whole; closed, it takes no new bookings, and `booked_outside` are the appointments that stand
        there all the same: nothing is moved or cancelled by itself."""
        site, seen = parse(SiteSent, await request.body()).meant(), seen_version(request)

        async def write(tx: Transaction) -> tuple[int, dict[str, Any]]:
            version = await places.save_site(tx, site_id, site, seen)
            closed = site.status == "closed"
            return version, told(await places.left_at_site(tx, site_id)) if closed else {}

        version, left = await answer(in_turn, request, write)
        return _written({"site_id": str(site_id), **asdict(site), **left}, version)

    @router.get("/v1/sites/{site_id}")
    async def show_site(site_id: UUID, _: SignedIn, request: Request) -> Response:
        """A site as it stands; where it is is no secret to anybody who has signed in."""
        site, version = await answer(in_turn, request, lambda tx: places.show_site(tx, site_id))
        return _written({"site_id": str(site_id), **asdict(site)}, version)


def _room_routes(router: APIRouter, in_turn: InTurn) -> None:
    @router.put("/v1/rooms/{room_id}", openapi_extra=body_of(RoomSent, room=ROOM))
    async def save_room(room_id: UUID, _: Coordinator, request: Request) -> Response:
        """Writes a room whole; closed, it takes no new bookings. `booked_outside` as for a site."""
        room, seen = parse(RoomSent, await request.body()).meant(), seen_version(request)

        async def write(tx: Transaction) -> tuple[int, dict[str, Any]]:
            version = await places.save_room(tx, room_id, room, seen)
            closed = room.status == "closed"
            return version, told(await places.left_in_room(tx, room_id)) if closed else {}

        version, left = await answer(in_turn, request, write)
        body = {"room_id": str(room_id), **asdict(room), "site_id": str(room.site_id), **left}
        return _written(body, version)

    @router.get("/v1/rooms/{room_id}")
    async def show_room(room_id: UUID, _: Desk, request: Request) -> Response:
        """A room as it stands."""
        room, version = await answer(in_turn, request, lambda tx: places.show_room(tx, room_id))
        return _written({"room_id": str(room_id), **asdict(room), "site_id": str(room.site_id)}, version)


def calendar_routes(in_turn: InTurn) -> APIRouter:
    """For coordinators, and for therapists their own."""
    router = APIRouter(tags=["calendars"])

    @router.put("/v1/calendars/{therapist_id}", openapi_extra=body_of(CalendarSent, calendar=CALENDAR))
    async def save_calendar(therapist_id: UUID, caller: Keeper, request: Request) -> Response:
        """Writes the week whole; what is booked already stays. Every fault is named."""
        check_own(caller, therapist_id)
        wanted = parse(CalendarSent, await request.body()).meant(therapist_id)
        seen = seen_version(request)
        calendar = await answer(in_turn, request, lambda tx: places.save_calendar(tx, wanted, seen))
        return _written(_shown(calendar), calendar.version)

    @router.get("/v1/calendars/{therapist_id}")
    async def show_calendar(therapist_id: UUID, caller: Keeper, request: Request) -> Response:
        """The calendar as it stands."""
        check_own(caller, therapist_id)
        calendar = await answer(in_turn, request, lambda tx: places.show_calendar(tx, therapist_id))
        return _written(_shown(calendar), calendar.version)

    return router


def check_own(caller: Principal, therapist_id: UUID) -> None:
    if caller.role == "therapist" and caller.subject != str(therapist_id):
        raise Problem(403, "forbidden", "This calendar is somebody else's.")


def _written(body: dict[str, Any], version: int) -> Response:
    headers = {"ETag": etag(version), "Cache-Control": "no-store"}
    return fast_json(200, body | {"version": version}, headers)


def _shown(calendar: Calendar) -> dict[str, Any]:
    return {
        "therapist_id": str(calendar.therapist_id),
        "time_zone": calendar.time_zone,
        "buffer_minutes": calendar.buffer,
        "minimum_notice_minutes": calendar.notice,
        "horizon_days": calendar.horizon,
        "rules": [
            {
                "day": rule.day,
                "start": wall_time(rule.start),
                "end": wall_time(rule.end),
                "lane": rule.lane,
                "site_id": str(rule.site_id) if rule.site_id else None,
            }
            for rule in calendar.rules
        ],
    }


def wall_time(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
