"""/journeys in a browser: a case's code is entered, and its story is shown."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response

from services.console.api.callers import sight_of
from services.console.api.journeys import MAY_LOOK, JourneyBook, find
from services.console.domain.journey import read_case
from services.console.handlers.journeys import Told
from services.console.pages.rendering import SignedIn, StaffPages
from services.console.pages.signing_in import Reception, to
from shared.web import Problem


def journey_pages(reception: Reception, book: JourneyBook) -> APIRouter:
    """For operators and coordinators."""
    router = APIRouter(include_in_schema=False)

    @router.get("/journeys")
    async def enter(request: Request, case: Annotated[str, Query(max_length=60)] = "") -> Response:
        """Where a code is entered; whoever has entered one is led to its page."""
        try:
            who = reception.signed_in(request, MAY_LOOK)
        except Problem as problem:
            return reception.refused(request, problem)
        if (read := read_case(case.strip())) is not None:
            return to(f"/journeys/{quote(str(read))}")
        message = "A case's code has ten characters; or use its id." if case else ""
        return reception.pages.page(
            "journeys.html", who, 422 if case else 200, title="Journeys", message=message, case=case
        )

    @router.get("/journeys/{case}")
    async def look(case: str, request: Request) -> Response:
        """One case."""
        who = None
        try:
            who = reception.signed_in(request, MAY_LOOK)
            return render_journey(reception.pages, who, await find(book, case, sight_of(who.principal)))
        except Problem as problem:
            if who is None:
                return reception.refused(request, problem)
            return reception.pages.page(
                "journeys.html", who, problem.status, title="Journeys", message=problem.detail, case=case[:60]
            )

    return router


def render_journey(pages: StaffPages, who: SignedIn, told: Told) -> Response:
    """The page of one case."""
    causes = told.journey.waits_for
    return pages.page(
        "journey.html",
        who,
        title=f"Journey of {told.case.code}",
        told=told,
        technical=[one for one in causes if one.code != "state"],
        states=[one for one in causes if one.code == "state"],
    )
