"""/v1/appointments/{id}: to see an appointment, to give it back, to move it."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime

from services.scheduling.api.requests import BY_TELEPHONE, CancelSent, RescheduleSent
from services.scheduling.api.turns import answer
from services.scheduling.domain import changes
from services.scheduling.domain.appointments import Appointment
from services.scheduling.domain.changes import Caller, Move
from services.scheduling.domain.wall_time import minute_of, moment_of, zone
from services.scheduling.handlers import changing
from services.scheduling.repository.turns import InTurn
from shared.web import FieldProblem, Principal, Problem, allowed, fast_json, parse
from shared.web.described import body_of
from shared.web.versions import etag, seen_version

Concerned = Annotated[Principal, allowed("coordinator", own=("person", "therapist", "clinic_desk"))]
Reader = Annotated[
    Principal, allowed("coordinator", own=("person", "participant", "guardian", "therapist", "clinic_desk"))
]


def appointment_routes(in_turn: InTurn) -> APIRouter:
    """For the person of the case, those who take part in the hour, the therapist, and the staff of the organisation.
    What is not theirs is not found."""
    router = APIRouter(tags=["appointments"])

    @router.get("/v1/appointments/{appointment_id}")
    async def show(appointment_id: UUID, reader: Reader, request: Request) -> Response:
        """The appointment as it stands, its version as ETag."""
        caller = caller_of(reader)
        found = await answer(in_turn, request, lambda tx: changing.show(tx, appointment_id, caller))
        return shown(found, caller)

    return router


def change_routes(in_turn: InTurn) -> APIRouter:
    """For the same, but for those who only take part. If-Match says which version was seen."""
    router = APIRouter(tags=["appointments"])

    @router.post(
        "/v1/appointments/{appointment_id}/cancel",
        openapi_extra=body_of(CancelSent, cannot_come={"reason": "cannot_come"}),
    )
    async def cancel(appointment_id: UUID, concerned: Concerned, request: Request) -> Response:
        """Gives the hour back. If-Match says which version was seen; doing it twice changes nothing."""
        caller, seen = caller_of(concerned), seen_version(request)
        sent = parse(CancelSent, await request.body() or b"{}")
        gone = await answer(
            in_turn,
            request,
            lambda tx: changing.cancel(tx, appointment_id, caller, sent.reason, seen, sent.by),
        )
        return shown(gone, caller)

    @router.post(
        "/v1/appointments/{appointment_id}/reschedule",
        openapi_extra=body_of(
            RescheduleSent, next_day={"start": "2026-03-02T10:00:00+05:00"}, by_telephone=BY_TELEPHONE
        ),
    )
    async def reschedule(appointment_id: UUID, concerned: Concerned, request: Request) -> Response:
        """Moves it to another open start with the same therapist, or to another site or way to meet; 409 names the
        nearest `alternatives`. People move to quarter hours; staff, whose day may run late, to any minute."""
        caller, seen = caller_of(concerned), seen_version(request)
        sent = parse(RescheduleSent, await request.body())
        move = Move(whole_minute(sent.start), sent.modality, sent.site_id, sent.certainty, sent.by)
        there = await answer(
            in_turn, request, lambda tx: changing.reschedule(tx, appointment_id, caller, move, seen)
        )
        return shown(there, caller)

    return router


def caller_of(principal: Principal) -> Caller:
    """Who asks, as the use cases know them."""
    site = principal.site_id if principal.role == "clinic_desk" else None
    return Caller(
        principal.role,
        principal.subject,
        principal.case_id,
        principal.organisation,
        site,
        principal.attendee_id,
    )


def whole_minute(start: AwareDatetime) -> int:
    """The minute in UTC. Raises Problem 422 where it is none."""
    if start.second or start.microsecond:
        field = FieldProblem("/start", "off_grid", "Appointments begin on the quarter hour.")
        raise Problem(422, "invalid_request", "Some fields cannot be accepted.", [field])
    return minute_of(start)


def shown(appointment: Appointment, caller: Caller) -> Response:
    """The appointment as it stands, its version as ETag."""
    headers = {"ETag": etag(appointment.version), "Cache-Control": "no-store"}
    return fast_json(200, described(appointment, caller), headers)


def hour_of(appointment: Appointment) -> dict[str, Any]:
    """With whom, where and when, on the wall of the calendar; the same for an hour that is booked and one that is held."""
    wall = zone(appointment.time_zone)
    return {
        "therapist_id": str(appointment.therapist_id),
        "organisation": appointment.organisation,
        "lane": appointment.lane,
        "modality": appointment.modality,
        "site_id": str(appointment.site_id) if appointment.site_id else None,
        "room_id": str(appointment.room_id) if appointment.room_id else None,
        "start": moment_of(appointment.start).astimezone(wall).isoformat(),
        "end": moment_of(appointment.end).astimezone(wall).isoformat(),
        "time_zone": appointment.time_zone,
    }


def described(appointment: Appointment, caller: Caller) -> dict[str, Any]:
    """The appointment, with links to what the caller may do with it as it stands."""
    path = f"/v1/appointments/{appointment.id}"
    steps = (step.replace("_", "-") for step in changes.next_steps(appointment, caller))
    return {
        "appointment_id": str(appointment.id),
        "state": appointment.state,
        "certainty": appointment.certainty,
        "certainty_reason": appointment.why,
        "version": appointment.version,
        **hour_of(appointment),
        "links": {"self": path, "calendar": f"{path}.ics"} | {step: f"{path}/{step}" for step in steps},
    }
