"""Who is on duty: GET and POST /v1/duty-rota, DELETE /v1/duty-rota/{shift_id}."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import AfterValidator, AwareDatetime, Field
from pydantic_core import PydanticCustomError

from services.intake.api.duty import NO_STORE, StaffId, StaffName, staff_of
from services.intake.api.problems import refused
from services.intake.api.requests import Sent
from services.intake.domain.alarms import Staff
from services.intake.domain.refusals import Refusal
from services.intake.domain.rota import Shift, Staffing
from services.intake.domain.vocabulary import Level
from services.intake.handlers.rota import Cancelling, Entering, Rota
from services.intake.repository.rota import RotaPage
from shared.web import (
    FieldProblem,
    Principal,
    Problem,
    allowed,
    fast_json,
    moment,
    pack_cursor,
    parse,
    read_cursor,
)
from shared.web.described import body_of
from shared.web.posts import KEY_PARAMETER, idempotency_key

BEGINNING = (datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))
SHOWN_AHEAD = timedelta(days=14)
Coordinator = Annotated[Principal, allowed("coordinator")]
Reader = Annotated[Principal, allowed("coordinator", "duty_clinician")]


def _near(at: datetime) -> datetime:
    # Beyond that a date is a mistake, and the last of them no longer fit into a database's time zone.
    if not 2000 <= at.year < 2200:
        raise PydanticCustomError("out_of_range", "A date between the years 2000 and 2199.")
    return at


Moment = Annotated[AwareDatetime, AfterValidator(_near)]


def _once(levels: tuple[Level, ...]) -> tuple[Level, ...]:
    if len(set(levels)) < len(levels):
        raise PydanticCustomError("repeated", "Each level is named once.")
    return levels


class ShiftSent(Sent):
    """POST /v1/duty-rota; `staff_id` is the subject of that human's token."""

    staff_id: StaffId
    name: StaffName
    since: Annotated[Moment, Field(alias="from")]
    until: Annotated[Moment, Field(alias="to")]
    levels: Annotated[tuple[Level, ...], Field(min_length=1, max_length=3), AfterValidator(_once)]


BODY = body_of(
    ShiftSent,
    night={
        "staff_id": "amina.k",
        "name": "Amina K.",
        "from": "2035-01-05T20:00:00+05:00",
        "to": "2035-01-06T08:00:00+05:00",
        "levels": ["R1", "R2", "R3"],
    },
)


@dataclass(frozen=True, slots=True)
class RotaDesk:
    """What the routes need; `hash_key` hashes what a key was used for."""

    enter: Callable[[Entering], Awaitable[UUID | Sequence[Refusal]]]
    cancel: Callable[[Cancelling], Awaitable[bool]]
    look: Callable[[RotaPage], Awaitable[Rota]]
    hash_key: bytes


def rota_routes(desk: RotaDesk) -> APIRouter:
    """Coordinators enter and take back; who takes alarms may look."""
    router = APIRouter(prefix="/v1/duty-rota", tags=["alarms"])

    @router.get("")
    async def look(
        _: Reader,
        since: Annotated[Moment | None, Query(alias="from")] = None,
        until: Annotated[Moment | None, Query(alias="to")] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
    ) -> Response:
        """Shifts from now, or from `from`, on for two weeks, or until `to`, the earliest first; and who is on now."""
        after = read_cursor(cursor, lambda at, name: (moment(at), UUID(name))) or BEGINNING
        found = await desk.look(RotaPage(*_span(since, until), after, limit + 1))
        shown = found.shifts[:limit]
        more = len(found.shifts) > limit
        following = pack_cursor(shown[-1]["from"], shown[-1]["shift_id"]) if more else None
        return fast_json(200, {"shifts": shown, "next": following} | told(found.staffing), NO_STORE)

    @router.post("", status_code=201, openapi_extra=BODY | KEY_PARAMETER)
    async def enter(caller: Coordinator, request: Request) -> Response:
        """Somebody is on, from (included) to (not included), for alarms of these levels."""
        made = await desk.enter(await _entering(desk, caller, request))
        if not isinstance(made, UUID):
            raise refused(made)
        return fast_json(201, {"shift_id": str(made)}, NO_STORE)

    @router.delete("/{shift_id}", status_code=204)
    async def cancel(shift_id: UUID, caller: Coordinator) -> Response:
        """Takes a shift back; the row stays, with who did so. Twice is once."""
        if not await desk.cancel(Cancelling(shift_id, staff_of(caller))):
            raise Problem(404, "shift_not_found", "There is no such shift.")
        return Response(None, 204, NO_STORE)

    return router


async def _entering(desk: RotaDesk, caller: Principal, request: Request) -> Entering:
    body, key = await request.body(), idempotency_key(request)
    sent, by = parse(ShiftSent, body), staff_of(caller)
    digest = blake2b(by.id.encode() + b"|" + body, key=desk.hash_key, digest_size=32).digest()
    return Entering(Staff(sent.staff_id, sent.name), sent.since, sent.until, sent.levels, by, key, digest)


def _span(since: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
    """Raises Problem 422 where it ends before it begins."""
    begins = since or datetime.now(UTC)
    ends = until or begins + SHOWN_AHEAD
    if ends <= begins:
        field = FieldProblem("to", "end_before_start", "`to` is after `from`.")
        raise Problem(422, "invalid_request", "Some fields cannot be accepted.", [field])
    return begins, ends


def told(staffing: Staffing) -> dict[str, Any]:
    """`staffed_now`: whether somebody is on for every level, null without a rota; for which levels nobody is; who is."""
    return {
        "staffed_now": staffing.staffed(),
        "unstaffed_levels": staffing.unstaffed_levels,
        "on_duty": [_on(one) for one in staffing.on_duty],
    }


def _on(shift: Shift) -> dict[str, Any]:
    return {
        "staff_id": shift.staff.id,
        "name": shift.staff.name,
        "levels": shift.levels,
        "to": shift.ends,
    }
