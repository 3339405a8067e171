"""Asking for care, and how it stands: POST and GET /v1/cases, and POST /v1/crisis/cases beside all queues."""

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response

from services.intake.api.accepting import Answered, CaseCounter, accept_body
from services.intake.api.cards import CardDeck
from services.intake.api.requests import COUPLE, EXAMPLE, SMALLEST, CaseSent
from services.intake.api.taking_part import LookOwn, find_own, render_own
from services.intake.api.views import not_found, render_view
from services.intake.api.watching import CaseWatch
from services.intake.domain import taking_part
from services.intake.domain.codes import read_case_code
from services.intake.repository.standings import CaseView
from shared.web import PUBLIC, Principal, allowed, fast_json
from shared.web.described import body_of
from shared.web.posts import KEY_PARAMETER, idempotency_key

ASKING = body_of(CaseSent, smallest=SMALLEST, full=EXAMPLE, couple=COUPLE) | PUBLIC | KEY_PARAMETER
Looker = Annotated[
    Principal,
    allowed("coordinator", "duty_clinician", own=("person", "participant", "guardian", "therapist")),
]
Reader = Annotated[Principal, allowed("coordinator", "duty_clinician", own=("person", "therapist"))]
Carer = Annotated[Principal, allowed("coordinator", own=("therapist",))]
Look = Callable[[str], Awaitable[CaseView | None]]


def asking_routes(counter: CaseCounter) -> APIRouter:
    """POST /v1/cases."""
    router = APIRouter(tags=["cases"])

    @router.post("/v1/cases", status_code=202, openapi_extra=ASKING)
    async def ask(request: Request) -> Response:
        """Asks for care. 202 once it is durable; everything else follows by itself."""
        accepted = await _accept(counter, request)
        return _answer(counter, accepted, with_card=accepted.alarmed)

    return router


def crisis_asking_routes(counter: CaseCounter) -> APIRouter:
    """POST /v1/crisis/cases."""
    router = APIRouter(tags=["crisis"])

    @router.post("/v1/crisis/cases", status_code=202, openapi_extra=ASKING)
    async def ask_in_a_crisis(request: Request) -> Response:
        """The same as POST /v1/cases, in a process that routine load cannot slow; whom to call is always told. A
        request sent here after it was sent there, or again, with the same key, is one case."""
        return _answer(counter, await _accept(counter, request), with_card=True)

    return router


def standing_routes(cards: CardDeck, find: Look, look_own: LookOwn, watch: CaseWatch) -> APIRouter:
    """GET /v1/cases/{code}."""
    router = APIRouter(tags=["cases"])

    @router.get("/v1/cases/{code}")
    async def look(
        code: str,
        caller: Looker,
        request: Request,
        after_version: Annotated[int | None, Query(ge=0, description="The version seen last.")] = None,
        wait: Annotated[int, Query(ge=1, le=30, description="Seconds.")] = 20,
    ) -> Response:
        """How a case stands, for its person, its therapist and those who coordinate care. With `after_version` the answer comes as
        soon as the version is greater, or after `wait` seconds as it is then. `alternative` is other help meanwhile in the
        language of the person's messages: what it is called, what it is, what to do, and for a `helpline` its verified lines.
        Who takes part and agreed has a view of their own, under their own code, at once: `code`, `state` (`waiting`, `booked` or `closed`), `until`, `next_step` and `links`."""
        if caller.role in taking_part.ROLES:
            own = await find_own(look_own, code, caller)
            return render_own(own, request.headers.get("if-none-match"))
        view = await find_for(find, code, caller)
        if after_version is not None and view.version <= after_version:
            with watch.watching(view.case_code, view) as watcher:
                await watcher.newer(after_version, wait)
            view = watcher.news
        return render_view(view, cards, request.headers.get("if-none-match"))

    return router


def of_appointment_routes(cards: CardDeck, find: Callable[[UUID], Awaitable[CaseView | None]]) -> APIRouter:
    """GET /v1/cases."""
    router = APIRouter(tags=["cases"])

    @router.get("/v1/cases")
    async def of_appointment(caller: Carer, appointment_id: UUID) -> Response:
        """The case whose last hour this is, for whoever gives that hour and for coordinators: so its therapist finds what
        they may close. `Content-Location` is its own address."""
        view = await find(appointment_id)
        if view is None or not _concerns(caller, view):
            raise not_found()
        answer = render_view(view, cards)
        answer.headers["Content-Location"] = f"/v1/cases/{view.case_code}"
        return answer

    return router


async def find_for(find: Look, code: str, caller: Principal) -> CaseView:
    """The case, if it is the caller's or theirs to see. Raises Problem 404 otherwise."""
    view = await find(read_case_code(code) or "")
    if view is None or not _concerns(caller, view):
        raise not_found()
    return view


def _concerns(caller: Principal, view: CaseView) -> bool:
    match caller.role:
        case "person":
            return caller.case_id == view.case_id
        case "therapist":
            return caller.subject == str(view.therapist_id)
        case _:
            return True


async def _accept(counter: CaseCounter, request: Request) -> Answered:
    return await accept_body(counter, request, idempotency_key(request), await request.body())


def _answer(counter: CaseCounter, told: Answered, *, with_card: bool) -> Response:
    body = f'{{"case_code":"{told.case_code}","pin":"{told.pin}","status_url":"/v1/cases/{told.case_code}"'.encode()
    if told.participants:
        body += b',"participants":' + orjson.dumps(told.participants)
    if with_card:
        body += b',"crisis":' + counter.cards.printed(told.province, told.card_language)
    where = f"/v1/cases/{told.case_code}"
    return fast_json(202, body + b"}", {"Location": where, "Cache-Control": "no-store"})
