"""/v1/holidays: public holidays, each with who says so and when that was seen."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from pydantic import Field, StringConstraints

from services.scheduling.api.exceptions import NO_STORE
from services.scheduling.api.places import Coordinator, SignedIn
from services.scheduling.api.requests import Name, Sent
from services.scheduling.api.standing import told
from services.scheduling.api.turns import answer
from services.scheduling.domain.holidays import Almanac, Holiday, HolidayStatus
from services.scheduling.handlers import holidays
from services.scheduling.repository.turns import InTurn
from shared.web import PlainText, fast_json, parse
from shared.web.described import body_of
from shared.web.versions import etag, seen_version

HolidayId = Annotated[str, Path(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
HOLIDAY: dict[str, Any] = {
    "name": "Eid al-Fitr",
    "first_day": "2027-03-10",
    "last_day": "2027-03-12",
    "time_zone": "Asia/Karachi",
    "status": "tentative",
    "source": "Cabinet Division, circular of the year",
}


class HolidaySent(Sent):
    """A holiday, whole. It is in force while it is confirmed, for which somebody has seen the notification."""

    name: Name
    first_day: date
    last_day: date
    time_zone: Name
    status: HolidayStatus = "tentative"
    source: Annotated[PlainText, StringConstraints(min_length=3, max_length=200)]
    verified_on: Annotated[date | None, Field()] = None

    def meant(self, holiday_id: str) -> Holiday:
        return Holiday(id=holiday_id, **dict(self))


def holiday_routes(in_turn: InTurn, almanac: Almanac) -> APIRouter:
    """Coordinators enter what was notified; everybody who has signed in may look."""
    router = APIRouter(prefix="/v1/holidays", tags=["calendars"])

    @router.get("")
    async def show(_: SignedIn, request: Request) -> Response:
        """Those that are not over; and as `suggested` what calendars on paper have in the next year and nobody has entered,
        which is not in force."""
        entered, missing = await answer(in_turn, request, lambda tx: holidays.show(tx, almanac))
        body = {
            "holidays": [_shown(one) | {"version": version} for one, version in entered],
            "suggested": [_shown(one) for one in missing],
        }
        return fast_json(200, body, NO_STORE)

    @router.put("/{holiday_id}", openapi_extra=body_of(HolidaySent, tentative=HOLIDAY))
    async def save(holiday_id: HolidayId, _: Coordinator, request: Request) -> Response:
        """Writes one whole. Confirmed, it closes the weekly rules of every calendar in its zone; extra hours stay open.
        `booked_outside` are the appointments that stand on its days all the same: nothing is moved by itself, and their
        people are told. Tentative, it closes nothing: hours on its days are provisional until it is confirmed or dropped."""
        wanted = parse(HolidaySent, await request.body()).meant(holiday_id)
        seen = seen_version(request)
        saved = await answer(in_turn, request, lambda tx: holidays.save(tx, wanted, seen))
        body = _shown(saved.holiday) | {"version": saved.version} | told(saved.booked_outside)
        return fast_json(200, body, {"ETag": etag(saved.version), **NO_STORE})

    return router


def _shown(holiday: Holiday) -> dict[str, Any]:
    return {
        "holiday_id": holiday.id,
        "name": holiday.name,
        "first_day": holiday.first_day.isoformat(),
        "last_day": holiday.last_day.isoformat(),
        "time_zone": holiday.time_zone,
        "status": holiday.status,
        "source": holiday.source,
        "verified_on": holiday.verified_on.isoformat() if holiday.verified_on else None,
    }
