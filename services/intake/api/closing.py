"""Ending a case by staff: POST /v1/cases/{code}/close, on what was seen of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Literal, cast

from fastapi import APIRouter, Request, Response

from services.intake.api.cards import CardDeck
from services.intake.api.cases import find_for
from services.intake.api.duty import staff_of
from services.intake.api.requests import Sent
from services.intake.api.together import read_together, together
from services.intake.api.views import IF_MATCH, has_seen, render_view, stale
from services.intake.domain.closing import Refused
from services.intake.domain.vocabulary import CloseReason
from services.intake.handlers.closing import Closing, close_cases
from services.intake.handlers.lookups import look_up_cases
from services.intake.repository.standings import CaseView, Ending
from shared.messaging import Database
from shared.web import Principal, Problem, allowed, parse
from shared.web.described import body_of

Closer = Annotated[Principal, allowed("coordinator", own=("therapist",))]


class CloseSent(Sent):
    """POST /v1/cases/{code}/close; a code for the reason, because free text would travel."""

    reason: CloseReason


CLOSING = (
    body_of(CloseSent, completed={"reason": "completed"}, not_met={"reason": "stopped_coming"}) | IF_MATCH
)


@dataclass(frozen=True, slots=True)
class ClosingDesk:
    """`look` reads a case; `close` shares transactions."""

    cards: CardDeck
    look: Callable[[str], Awaitable[CaseView | None]]
    close: Callable[[Closing], Awaitable[Refused | None]]


def open_closing_desk(cards: CardDeck, database: Database) -> ClosingDesk:
    """The desk on this database."""
    return ClosingDesk(cards, read_together(database, look_up_cases), together(database, close_cases))


def closing_routes(desk: ClosingDesk) -> APIRouter:
    """The one route."""
    router = APIRouter(tags=["cases"])

    @router.post("/v1/cases/{code}/close", openapi_extra=CLOSING)
    async def close(code: str, caller: Closer, request: Request) -> Response:
        """Ends the case: hours that lie ahead are given back and nothing more is sent. For the therapist who has or had
        its last hour, and for coordinators; its person takes it back instead. Doing it twice changes nothing. 409
        `alarm_open` while nobody has closed an alarm of it."""
        view = await find_for(desk.look, code, caller)
        is_seen = has_seen(request, view)
        sent = parse(CloseSent, await request.body() or b"{}")
        if view.standing.state != "closed":
            if not is_seen:
                raise stale()
            _stand_by(await desk.close(_closing(view, sent.reason, caller, request)))
        return render_view(await desk.look(view.case_code) or view, desk.cards)

    return router


def _closing(view: CaseView, reason: CloseReason, caller: Principal, request: Request) -> Closing:
    role = cast(Literal["therapist", "coordinator"], caller.role)
    ending = Ending(reason, role, staff_of(caller))
    return Closing(view.case_id, view.version, ending, request.scope.get("traceparent"))


def _stand_by(refused: Refused | None) -> None:
    """Returns when it has ended; else raises Problem 409 or 412."""
    if refused == "alarm_open":
        detail = "Somebody may be in danger: a duty clinician sees to them and closes the alarm first."
        raise Problem(409, "alarm_open", detail)
    if refused == "stale":
        raise stale()
