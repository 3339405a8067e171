"""The duty desk in a browser, without any script: sign in, see what is due, take it, act, close.

Every form calls what the JSON routes call. The staff token is in a cookie that no script reads, that is sent to this
page only and from this page only; every form carries a mark of the session besides.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, FastAPI, Query, Request, Response

from services.intake.api.alarms import STATES, cursor_after, place_of
from services.intake.api.desk_forms import check_mark, mark, read_form
from services.intake.api.desk_pages import HEADERS, Again, DeskPages, SignedIn
from services.intake.api.duty import (
    AttemptSent,
    ClosingSent,
    DutyDesk,
    HandoverSent,
    LevelSent,
    attempt_digest,
    attempted,
    named,
    no_alarm,
    stand_by,
)
from services.intake.api.reaching import read_reach
from services.intake.domain.alarms import Staff
from services.intake.handlers.alarms import Closing, Taking
from services.intake.handlers.attending import Attempting, Judging
from services.intake.handlers.handing_over import HandingOver
from services.intake.handlers.reaching import Reach
from services.intake.repository.alarm_views import Page
from shared.web import Bodies, Principal, Problem, TokenVerifier, parse, read_other_bodies
from shared.web.posts import read_key

COOKIE = "desk"
FORMS = Bodies(limit=32_768, types=("application/x-www-form-urlencoded",))
PER_PAGE = 100

Form = Mapping[str, str]
Act = Callable[[DutyDesk, UUID, Staff, Form], Awaitable[Reach | None]]


@dataclass(frozen=True, slots=True)
class Room:
    """The desk in a browser: `form_key` marks its forms, `only_tls` keeps the cookie off open lines."""

    desk: DutyDesk
    pages: DeskPages
    form_key: bytes
    only_tls: bool


def serve_desk(app: FastAPI, room: Room) -> None:
    """/desk and what is below it; pages for people, so not in the description of the interface."""
    for path in ("/desk/sign-in", "/desk/sign-out", "/desk/act"):
        read_other_bodies(app, "POST", path, FORMS)
    app.include_router(_reading(room))
    app.include_router(_coming_and_going(room))
    app.include_router(_acting(room))


def _reading(room: Room) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/desk")
    async def listing(
        request: Request, cursor: Annotated[str | None, Query(max_length=200)] = None
    ) -> Response:
        """What is open, the earliest due first; or where to sign in."""
        try:
            who = _signed_in(room, request)
            place = place_of(cursor)
        except Problem as problem:
            return _refused(room, None, problem)
        found = await room.desk.page(Page(STATES["open"], place, PER_PAGE + 1))
        following = cursor_after(found[PER_PAGE - 1]) if len(found) > PER_PAGE else None
        return room.pages.listing(who, found[:PER_PAGE], following, await room.desk.staffing(None))

    @router.get("/desk/alarms/{alarm_id}")
    async def alarm(alarm_id: UUID, request: Request) -> Response:
        """One alarm and its forms."""
        try:
            who = _signed_in(room, request)
        except Problem as problem:
            return _refused(room, None, problem)
        return await _show(room, who, alarm_id)

    return router


def _coming_and_going(room: Room) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.post("/desk/sign-in")
    async def sign_in(request: Request) -> Response:
        """Keeps the pasted token in a cookie until it expires."""
        try:
            token = (await read_form(request)).get("token", "").strip()
            principal = _principal(request, token)
        except Problem as problem:
            return room.pages.sign_in(problem.status, problem.detail)
        answer = _to("/desk")
        lasts = max(0, int(principal.expires - time.time()))
        _set_cookie(room, answer, token, lasts)
        return answer

    @router.post("/desk/sign-out")
    async def sign_out(request: Request) -> Response:
        """Forgets the token."""
        try:
            check_mark(await read_form(request), _signed_in(room, request).form)
        except Problem as problem:
            return _refused(room, None, problem)
        answer = _to("/desk")
        _set_cookie(room, answer, "", 0)
        return answer

    return router


def _acting(room: Room) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.post("/desk/act")
    async def act(request: Request) -> Response:
        """One form of an alarm's page; afterwards the page again, so that reloading sends nothing twice."""
        who = None
        try:
            who = _signed_in(room, request)
            form = await read_form(request)
            check_mark(form, who.form)
            alarm_id, act = _which(form)
        except Problem as problem:
            return _refused(room, who, problem)
        try:
            reach = await act(room.desk, alarm_id, who.staff, form)
        except Problem as problem:
            return await _again(room, who, alarm_id, problem, form)
        # What was opened is shown in this one answer; there is no page that shows it again by itself.
        return await _show(room, who, alarm_id, reach=reach) if reach else _to(f"/desk/alarms/{alarm_id}")

    return router


async def _take(desk: DutyDesk, alarm_id: UUID, staff: Staff, _: Form) -> None:
    stand_by(await desk.acknowledge(Taking(alarm_id, staff)))


async def _attempt(desk: DutyDesk, alarm_id: UUID, staff: Staff, form: Form) -> None:
    sent = parse(AttemptSent, _body(form, "outcome", "note"))
    key = read_key(form.get("key", ""))
    digest = attempt_digest(desk, alarm_id, staff, sent.model_dump_json().encode())
    attempted(await desk.attempt(Attempting(alarm_id, staff, sent.outcome, sent.note or None, key, digest)))


async def _change_level(desk: DutyDesk, alarm_id: UUID, staff: Staff, form: Form) -> None:
    sent = parse(LevelSent, _body(form, "level", "reason"))
    judged = await desk.change_level(Judging(alarm_id, staff, sent.level, sent.reason or None))
    stand_by(judged.verdict if judged else None)


async def _hand_over(desk: DutyDesk, alarm_id: UUID, staff: Staff, form: Form) -> None:
    body = _body(form, "to_id", "to_name", "reason")
    if chosen := form.get("to"):
        names = {one.staff.id: one.staff.name for one in (await desk.staffing(None)).on_duty}
        to = {"to_id": chosen, "to_name": names.get(chosen, "")}
        body = orjson.dumps(orjson.loads(body) | to)
    sent = parse(HandoverSent, body)
    to_whom = Staff(sent.to_id, sent.to_name)
    stand_by(await desk.hand_over(HandingOver(alarm_id, staff, to_whom, sent.reason)))


async def _close(desk: DutyDesk, alarm_id: UUID, staff: Staff, form: Form) -> None:
    sent = parse(ClosingSent, _body(form, "outcome", "reason"))
    stand_by(await desk.close(Closing(alarm_id, staff, sent.outcome, sent.reason)))


async def _reach(desk: DutyDesk, alarm_id: UUID, staff: Staff, _: Form) -> Reach:
    return await read_reach(desk, alarm_id, staff)


ACTS: Mapping[str, Act] = {
    "take": _take,
    "reach": _reach,
    "attempt": _attempt,
    "level": _change_level,
    "handover": _hand_over,
    "close": _close,
}


def _which(form: Form) -> tuple[UUID, Act]:
    try:
        return UUID(form.get("alarm", "")), ACTS[form.get("act", "")]
    except (ValueError, KeyError):
        raise Problem(400, "broken_form", "This is not what the form sends.") from None


def _body(form: Form, *names: str) -> bytes:
    return orjson.dumps({name: form[name] for name in names if name in form})


def _signed_in(room: Room, request: Request) -> SignedIn:
    token = request.cookies.get(COOKIE, "")
    return SignedIn(named(_principal(request, token)), mark(token, room.form_key))


def _principal(request: Request, token: str) -> Principal:
    """Raises Problem 401 or 403 for whoever may not sit here."""
    if not token:
        raise Problem(401, "token_missing", "")
    verifier: TokenVerifier = request.app.state.tokens
    principal = verifier.verify(token, now=time.time())
    if principal.role != "duty_clinician":
        raise Problem(403, "forbidden", "This role may not do that.")
    named(principal)
    return principal


def _set_cookie(room: Room, answer: Response, token: str, seconds: int) -> None:
    answer.set_cookie(
        COOKIE, token, max_age=seconds, path="/desk", secure=room.only_tls, httponly=True, samesite="strict"
    )


def _to(path: str) -> Response:
    return Response(None, 303, HEADERS | {"Location": path})


def _refused(room: Room, who: SignedIn | None, problem: Problem) -> Response:
    if problem.status == 401:
        return room.pages.sign_in(401, problem.detail)
    return room.pages.nothing(who, problem.status, problem.detail)


async def _again(room: Room, who: SignedIn, alarm_id: UUID, problem: Problem, form: Form) -> Response:
    fields = [f"{field.pointer.strip('/')}: {field.detail}" for field in problem.fields]
    message = " ".join([problem.detail, *(said for said in fields if problem.detail not in said)])
    return await _show(room, who, alarm_id, again=Again(problem.status, message, form))


async def _show(room: Room, who: SignedIn, alarm_id: UUID, **shown: Any) -> Response:
    found = await room.desk.look(alarm_id)
    if found is None:
        return _refused(room, who, no_alarm())
    return room.pages.alarm(who, found, await room.desk.staffing(None), **shown)
