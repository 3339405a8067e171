"""/v1/calendars/{therapist_id}/exceptions: time off and extra hours, in the calendar's local wall time."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.scheduling.api.places import Keeper, check_own, wall_time
from services.scheduling.api.requests import ROOM, Sent, WallTime, minutes_of
from services.scheduling.api.standing import told
from services.scheduling.api.turns import answer
from services.scheduling.domain.calendars import ExceptionKind, Lane, OtherHours
from services.scheduling.handlers import exceptions
from services.scheduling.handlers.exceptions import Outcome
from services.scheduling.repository.turns import InTurn
from shared.web import fast_json, parse
from shared.web.described import body_of
from shared.web.versions import etag, seen_version

FIRST = date(1970, 1, 1)
NO_STORE = {"Cache-Control": "no-store"}
LEAVE: dict[str, Any] = {"kind": "time_off", "first_day": "2026-12-21", "last_day": "2027-01-03"}
EVENINGS: dict[str, Any] = {
    "kind": "extra_hours",
    "first_day": "2027-02-09",
    "last_day": "2027-03-09",
    "start": "20:30",
    "end": "23:00",
    "lane": "online",
}
AWAY_FROM_SITE: dict[str, Any] = {
    "kind": "time_off",
    "first_day": "2026-12-24",
    "last_day": "2026-12-24",
    "start": "13:00",
    "lane": "in_person",
    "site_id": ROOM["site_id"],
}


class ExceptionSent(Sent):
    """On each day from the first to the last, from `start` to `end`; without them all day. Time off may name a lane,
    and a site; extra hours name a lane, and a site in person."""

    kind: ExceptionKind
    first_day: date
    last_day: date
    start: WallTime = "00:00"
    end: WallTime = "24:00"
    lane: Lane | None = None
    site_id: UUID | None = None

    def meant(self, exception_id: UUID) -> OtherHours:
        return OtherHours(
            exception_id,
            0,
            self.kind,
            day_number(self.first_day),
            day_number(self.last_day),
            minutes_of(self.start),
            minutes_of(self.end),
            self.lane,
            self.site_id,
        )


BODY = body_of(ExceptionSent, leave=LEAVE, evenings=EVENINGS, away_from_a_site=AWAY_FROM_SITE)


def exception_routes(in_turn: InTurn) -> APIRouter:
    """For coordinators, and for therapists their own. `booked_outside` are the appointments that stand at a time or
    place which the calendar does not have open (any more): nothing is moved or cancelled by itself."""
    router = APIRouter(prefix="/v1/calendars/{therapist_id}/exceptions", tags=["calendars"])

    @router.get("")
    async def show(therapist_id: UUID, caller: Keeper, request: Request) -> Response:
        """All that are not over."""
        check_own(caller, therapist_id)
        found = await answer(in_turn, request, lambda tx: exceptions.show(tx, therapist_id))
        body = {
            "therapist_id": str(therapist_id),
            "time_zone": found.time_zone,
            "exceptions": [_shown(one) for one in found.hours],
        }
        return fast_json(200, body | told(found.booked_outside), NO_STORE)

    @router.put("/{exception_id}", openapi_extra=BODY)
    async def save(therapist_id: UUID, exception_id: UUID, caller: Keeper, request: Request) -> Response:
        """Writes one whole, under an id of the writer's own. Time off is stronger than extra hours, and these than the
        rules of other sites."""
        check_own(caller, therapist_id)
        wanted, seen = parse(ExceptionSent, await request.body()).meant(exception_id), seen_version(request)
        saved = await answer(in_turn, request, lambda tx: exceptions.save(tx, therapist_id, wanted, seen))
        return _written(therapist_id, saved)

    @router.delete("/{exception_id}")
    async def withdraw(therapist_id: UUID, exception_id: UUID, caller: Keeper, request: Request) -> Response:
        """Takes one back: the rules hold again. Twice is once."""
        check_own(caller, therapist_id)
        seen = seen_version(request)
        left = await answer(
            in_turn, request, lambda tx: exceptions.withdraw(tx, therapist_id, exception_id, seen)
        )
        body = {"therapist_id": str(therapist_id), "exception_id": str(exception_id), "state": "withdrawn"}
        return fast_json(200, body | told(left.booked_outside), NO_STORE)

    return router


def day_number(day: date) -> int:
    """Days since 1970, as domains count them."""
    return (day - FIRST).days


def days_and_times(hours: OtherHours) -> dict[str, Any]:
    """When it is, as it is sent."""
    return {
        "first_day": (FIRST + timedelta(days=hours.first_day)).isoformat(),
        "last_day": (FIRST + timedelta(days=hours.last_day)).isoformat(),
        "start": wall_time(hours.start),
        "end": wall_time(hours.end),
    }


def _written(therapist_id: UUID, saved: Outcome) -> Response:
    (hours,) = saved.hours
    body = {"therapist_id": str(therapist_id), "time_zone": saved.time_zone, **_shown(hours)}
    return fast_json(200, body | told(saved.booked_outside), {"ETag": etag(hours.version), **NO_STORE})


def _shown(hours: OtherHours) -> dict[str, Any]:
    return {
        "exception_id": str(hours.id),
        "kind": hours.kind,
        **days_and_times(hours),
        "lane": hours.lane,
        "site_id": str(hours.site_id) if hours.site_id else None,
        "version": hours.version,
    }
