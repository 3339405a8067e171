"""GET /v1/appointments and /v1/appointments/{id}.ics: a day as staff read it, and an hour for people's own calendar."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.scheduling.api.appointments import Reader, caller_of, described
from services.scheduling.api.turns import answer
from services.scheduling.domain.agenda import Place
from services.scheduling.domain.calendar_files import Language, method_of
from services.scheduling.domain.wall_time import moment_of
from services.scheduling.handlers import showing
from services.scheduling.handlers.showing import Asked
from services.scheduling.repository.turns import InTurn
from shared.web import Day, Principal, allowed, fast_json, pack_cursor, read_cursor, whole
from shared.web.versions import etag

Staff = Annotated[Principal, allowed("coordinator", own=("therapist", "clinic_desk"))]
NO_STORE = {"Cache-Control": "no-store"}


class DayAsked(BaseModel):
    """Query of a day. Without `day` today; without a site or a therapist all that the caller may see."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    day: Day | None = None
    site_id: UUID | None = None
    therapist_id: UUID | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str | None, Field(max_length=120)] = None


def agenda_routes(in_turn: InTurn) -> APIRouter:
    """The day is for staff; the file for everybody whom the appointment concerns."""
    router = APIRouter(tags=["appointments"])

    @router.get("/v1/appointments")
    async def list_day(asked: Annotated[DayAsked, Query()], staff: Staff, request: Request) -> Response:
        """The appointments of a day in order of time, whatever became of them: a therapist's own, a clinic desk's of
        its own organisation. Nobody is named. `next` is the cursor of the following page."""
        caller, after = caller_of(staff), read_cursor(asked.cursor, _place)
        wanted = Asked(asked.day, asked.site_id, asked.therapist_id)
        found = await answer(
            in_turn, request, lambda tx: showing.day(tx, wanted, caller, after, asked.limit + 1)
        )
        page = found[: asked.limit]
        more = pack_cursor(page[-1].start, page[-1].id) if len(found) > asked.limit else None
        body = {"appointments": [described(one, caller) for one in page], "next": more}
        return fast_json(200, body, NO_STORE)

    @router.get(
        "/v1/appointments/{appointment_id}.ics",
        response_class=Response,
        responses={200: {"content": {"text/calendar": {"schema": {"type": "string"}}}}},
    )
    async def calendar(
        appointment_id: UUID, reader: Reader, request: Request, language: Language = "en"
    ) -> Response:
        """The hour as a file for the own calendar (RFC 5545): kept, moved or taken out by what stands now. It says
        neither with whom nor what about."""
        caller = caller_of(reader)
        found, file = await answer(
            in_turn, request, lambda tx: showing.calendar(tx, appointment_id, caller, language)
        )
        headers = NO_STORE | {
            "ETag": etag(found.version),
            "Content-Disposition": 'attachment; filename="appointment.ics"',
        }
        kind = f"text/calendar; method={method_of(found)}; charset=utf-8"
        return Response(file.encode(), headers=headers | {"Content-Type": kind})

    return router


def _place(start: Any, last: Any) -> Place:
    # What lies outside the years there are is told here, where it is a cursor that is wrong.
    moment_of(whole(start))
    return start, UUID(last)
