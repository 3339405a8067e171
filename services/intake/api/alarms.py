"""The duty desk reads: alarms by when somebody must be on them, and one alarm with all that was done about it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.intake.api.duty import NO_STORE, Clinician, DutyDesk, no_alarm
from services.intake.api.rota import told
from services.intake.repository.alarm_views import Page
from shared.web import fast_json, moment, pack_cursor, read_cursor

BEGINNING = (datetime(1, 1, 1, tzinfo=UTC), UUID(int=0))
STATES = {"open": ("open", "acknowledged"), "unacknowledged": ("open",), "closed": ("closed",)}


def alarm_routes(desk: DutyDesk) -> APIRouter:
    """GET /v1/alarms and GET /v1/alarms/{id}; duty clinicians only."""
    router = APIRouter(tags=["alarms"])

    @router.get("/v1/alarms")
    async def alarms(
        _: Clinician,
        state: Literal["open", "unacknowledged", "closed"] = "open",
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: str | None = None,
    ) -> Response:
        """The next page, the earliest due first; `open` are all that nobody has closed. `staffed_now`: whether somebody
        is on duty for every level, null while no rota was ever entered."""
        found = await desk.page(Page(STATES[state], place_of(cursor), limit + 1))
        shown, more = found[:limit], len(found) > limit
        page = {"alarms": shown, "next": cursor_after(shown[-1]) if more else None}
        return fast_json(200, page | told(await desk.staffing(None)), NO_STORE)

    @router.get("/v1/alarms/{alarm_id}")
    async def alarm(alarm_id: UUID, caller: Clinician) -> Response:
        """All that is needed to act, and who did what so far; never an answer or a score."""
        found = await desk.look(alarm_id)
        if found is None:
            raise no_alarm()
        return fast_json(200, found, NO_STORE)

    return router


def cursor_after(last: Mapping[str, Any]) -> str:
    """The place after this alarm."""
    return pack_cursor(last["due_by"], last["alarm_id"])


def place_of(cursor: str | None) -> tuple[datetime, UUID]:
    """The place, or the beginning. Raises Problem 422."""
    return read_cursor(cursor, lambda due_by, alarm_id: (moment(due_by), UUID(alarm_id))) or BEGINNING
