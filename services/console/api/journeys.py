"""GET /v1/journeys/{case}: one case across all services, what it waits for and why, its traces."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response

from services.console.api.callers import sight_of
from services.console.api.tasks import NO_STORE, shown
from services.console.domain.journey import read_case
from services.console.handlers.journeys import Told
from services.console.repository.tasks import Sight
from shared.web import FieldProblem, Principal, Problem, allowed, fast_json

MAY_LOOK = ("operator", "coordinator")
Looking = Annotated[Principal, allowed(*MAY_LOOK)]


@dataclass(frozen=True, slots=True)
class JourneyBook:
    """What routes and pages need. `page` renders a journey for whoever asks for HTML; `traces` is the base URL of the
    trace viewer, empty where there is none."""

    told: Callable[[UUID | str, Sight], Awaitable[Told | None]]
    page: Callable[[Told, Principal], Response]
    traces: str


def journey_routes(book: JourneyBook) -> APIRouter:
    """For operators and coordinators: no clinical content, nobody's name."""
    router = APIRouter(tags=["journeys"])

    @router.get("/v1/journeys/{case}")
    async def look(
        case: Annotated[str, Path(max_length=60)],
        caller: Looking,
        request: Request,
    ) -> Response:
        """By the case's code as the person has it (spaces, dashes and small letters do not matter) or by its id: every
        service's steps in order of time, what is waited for and why (`cause`: `state` as the services' rules have it;
        `blocked_key`, `dead_letter`, `waiting_fact`, `outbox_not_sent`, `consumer_stopped`, `consumer_behind`, `broker_away`), links to its traces, and
        open tasks. `Accept: text/html` gives the page of it."""
        told = await find(book, case, sight_of(caller))
        if wants_page(request.headers.get("accept", "")):
            return book.page(told, caller)
        return fast_json(200, rendered(told, book.traces), NO_STORE)

    return router


async def find(book: JourneyBook, said: str, sight: Sight) -> Told:
    """The journey of a case. Raises Problem 422 for what is neither code nor id, 404 where there is none."""
    case = read_case(said)
    if case is None:
        field = FieldProblem("case", "not_a_case", "A case's code has ten characters; or use its id.")
        raise Problem(422, "invalid_request", "Some fields cannot be accepted.", [field])
    told = await book.told(case, sight)
    if told is None:
        raise Problem(404, "case_not_found", "There is no case with this code or id.")
    return told


def wants_page(accept: str) -> bool:
    """Whether HTML is asked for before JSON."""
    kinds = [kind.partition(";")[0].strip().lower() for kind in accept.split(",")]
    asked = [kind for kind in kinds if kind in ("text/html", "application/json", "*/*")]
    return asked[:1] == ["text/html"]


def rendered(told: Told, traces: str) -> dict[str, Any]:
    """The journey as JSON."""
    journey = told.journey
    return {
        "case_id": str(told.case.case_id),
        "case_code": told.case.code,
        "waits_for": [
            {
                "service": one.service,
                "cause": one.code,
                "what": one.what,
                "since": one.since,
                "because": one.because,
            }
            for one in journey.waits_for
        ],
        "steps": [
            {
                "at": step.at,
                "service": step.source,
                "step": step.what,
                "detail": step.detail,
                "waits_for": step.waits_for,
                "trace_id": step.trace,
            }
            for step in journey.steps
        ],
        "traces": [
            {"trace_id": one, "href": trace_url(traces, one) if one in journey.kept else None}
            for one in journey.traces
        ],
        "tasks": shown(told.tasks),
    }


def trace_url(traces: str, trace: str) -> str | None:
    """Where a trace is looked at; None where nobody keeps them."""
    return f"{traces}/zipkin/traces/{trace}" if traces else None
