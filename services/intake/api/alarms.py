"""The duty desk: alarms by when somebody must be on them, taken and closed by a named human."""

import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import StringConstraints

from services.intake.api.requests import Sent
from services.intake.domain.alarms import Outcome, Staff, Verdict
from services.intake.handlers.alarms import Closing, Taking
from services.intake.repository.alarms import Page
from shared.web import FieldProblem, Principal, Problem, allowed, fast_json, parse
from shared.web.described import body_of

BEGINNING = (datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))
STATES = {"open": ("open", "acknowledged"), "unacknowledged": ("open",), "closed": ("closed",)}
REFUSALS = {
    "taken_by_another": "Somebody else has taken this alarm.",
    "not_acknowledged": "An alarm is taken before it is closed.",
    "closed_already": "This alarm is closed.",
}
Clinician = Annotated[Principal, allowed("duty_clinician")]
Reason = Annotated[str, StringConstraints(min_length=3, max_length=2000, pattern=r"\S")]


class ClosingSent(Sent):
    """POST /v1/alarms/{id}/close; the reason is kept with the alarm and goes nowhere else."""

    outcome: Outcome
    reason: Reason


@dataclass(frozen=True, slots=True)
class DutyDesk:
    """What the routes need."""

    page: Callable[[Page], Awaitable[list[dict[str, Any]]]]
    acknowledge: Callable[[Taking], Awaitable[Verdict | None]]
    close: Callable[[Closing], Awaitable[Verdict | None]]


def alarm_routes(desk: DutyDesk) -> APIRouter:
    """GET /v1/alarms, POST /v1/alarms/{id}/acknowledge and /close; duty clinicians only."""
    router = APIRouter(tags=["alarms"])

    @router.get("/v1/alarms")
    async def alarms(
        _: Clinician,
        state: Literal["open", "unacknowledged", "closed"] = "open",
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: str | None = None,
    ) -> Response:
        """The next page, the earliest due first; `open` are all that nobody has closed."""
        found = await desk.page(Page(STATES[state], _read_cursor(cursor), limit + 1))
        shown, more = found[:limit], len(found) > limit
        return fast_json(200, {"alarms": shown, "next": _cursor(shown[-1]) if more else None}, NO_STORE)

    @router.post("/v1/alarms/{alarm_id}/acknowledge")
    async def acknowledge(alarm_id: UUID, caller: Clinician) -> Response:
        """The caller has it from now on."""
        staff = _staff(caller)
        return _answer(
            await desk.acknowledge(Taking(alarm_id, staff)), {"state": "acknowledged", "by": staff.name}
        )

    @router.post(
        "/v1/alarms/{alarm_id}/close",
        openapi_extra=body_of(
            ClosingSent, reached={"outcome": "reached_and_safe", "reason": "Spoke by phone."}
        ),
    )
    async def close(alarm_id: UUID, caller: Clinician, request: Request) -> Response:
        """The caller is done with it, with an outcome and a reason."""
        staff = _staff(caller)
        sent = parse(ClosingSent, await request.body())
        verdict = await desk.close(Closing(alarm_id, staff, sent.outcome, sent.reason.strip()))
        return _answer(verdict, {"state": "closed", "by": staff.name, "outcome": sent.outcome})

    return router


NO_STORE = {"Cache-Control": "no-store"}


def _staff(caller: Principal) -> Staff:
    if not caller.name:
        raise Problem(403, "name_needed", "Only a named human may act on an alarm.")
    return Staff(caller.subject, caller.name)


def _answer(verdict: Verdict | None, done: Mapping[str, str]) -> Response:
    if verdict is None:
        raise Problem(404, "alarm_not_found", "There is no such alarm.")
    if verdict in REFUSALS:
        raise Problem(409, verdict, REFUSALS[verdict])
    return fast_json(200, done, NO_STORE)


def _cursor(last: Mapping[str, Any]) -> str:
    place = orjson.dumps([last["due_by"], last["alarm_id"]])
    return base64.urlsafe_b64encode(place).decode().rstrip("=")


def _read_cursor(cursor: str | None) -> tuple[datetime, UUID]:
    if cursor is None:
        return BEGINNING
    try:
        due_by, alarm_id = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return datetime.fromisoformat(due_by), UUID(alarm_id)
    except (ValueError, TypeError):
        field = FieldProblem("cursor", "not_a_cursor", "Use `next` of the page before, as it is.")
        raise Problem(422, "invalid_request", "This cursor cannot be read.", [field]) from None
