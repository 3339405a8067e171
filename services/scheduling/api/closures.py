"""/v1/sites/{site_id}/closures: when a site takes nobody, in its own local wall time."""

from datetime import date
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.scheduling.api.exceptions import NO_STORE, day_number, days_and_times
from services.scheduling.api.places import Coordinator, SignedIn
from services.scheduling.api.requests import Sent, WallTime, minutes_of
from services.scheduling.api.standing import told
from services.scheduling.api.turns import answer
from services.scheduling.domain.calendars import OtherHours
from services.scheduling.handlers import closures
from services.scheduling.repository.turns import InTurn
from shared.web import fast_json, parse
from shared.web.described import body_of
from shared.web.versions import etag, seen_version

PAINTING: dict[str, Any] = {"first_day": "2026-12-28", "last_day": "2026-12-29"}
AFTERNOON: dict[str, Any] = {"first_day": "2026-12-24", "last_day": "2026-12-24", "start": "13:00"}


class ClosureSent(Sent):
    """On each day from the first to the last, from `start` to `end`; without them all day."""

    first_day: date
    last_day: date
    start: WallTime = "00:00"
    end: WallTime = "24:00"

    def meant(self, site_id: UUID, closure_id: UUID) -> OtherHours:
        return OtherHours(
            closure_id,
            0,
            "time_off",
            day_number(self.first_day),
            day_number(self.last_day),
            minutes_of(self.start),
            minutes_of(self.end),
            "in_person",
            site_id,
        )


BODY = body_of(ClosureSent, two_days=PAINTING, one_afternoon=AFTERNOON)


def closure_routes(in_turn: InTurn) -> APIRouter:
    """Coordinators write them. `booked_outside` are the appointments that stand at the site although nobody has it open
    then (any more): nothing is moved or cancelled by itself."""
    router = APIRouter(prefix="/v1/sites/{site_id}/closures", tags=["places"])

    @router.get("")
    async def show(site_id: UUID, _: SignedIn, request: Request) -> Response:
        """All that are not over."""
        found = await answer(in_turn, request, lambda tx: closures.show(tx, site_id))
        shown = [_shown(one) for one in found.hours]
        body = {"site_id": str(site_id), "time_zone": found.time_zone, "closures": shown}
        return fast_json(200, body, NO_STORE)

    @router.put("/{closure_id}", openapi_extra=BODY)
    async def save(site_id: UUID, closure_id: UUID, _: Coordinator, request: Request) -> Response:
        """Writes one whole, under an id of the writer's own. It is stronger than anybody's extra hours."""
        wanted, seen = (
            parse(ClosureSent, await request.body()).meant(site_id, closure_id),
            seen_version(request),
        )
        saved = await answer(in_turn, request, lambda tx: closures.save(tx, wanted, seen))
        (hours,) = saved.hours
        body = {"site_id": str(site_id), "time_zone": saved.time_zone, **_shown(hours)}
        return fast_json(200, body | told(saved.booked_outside), {"ETag": etag(hours.version), **NO_STORE})

    @router.delete("/{closure_id}")
    async def withdraw(site_id: UUID, closure_id: UUID, _: Coordinator, request: Request) -> Response:
        """Takes one back: the site is open as before. Twice is once."""
        seen = seen_version(request)
        left = await answer(in_turn, request, lambda tx: closures.withdraw(tx, site_id, closure_id, seen))
        body = {"site_id": str(site_id), "closure_id": str(closure_id), "state": "withdrawn"}
        return fast_json(200, body | told(left.booked_outside), NO_STORE)

    return router


def _shown(hours: OtherHours) -> dict[str, Any]:
    return {"closure_id": str(hours.id), **days_and_times(hours), "version": hours.version}
