"""Seeing and changing one's wishes: GET /v1/cases/{code}/wishes and PATCH /v1/cases/{code}.

A merge patch, because a person changes one thing and a frontend that is older than a field must not take it away.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Request, Response

from services.intake.api.cards import CardDeck
from services.intake.api.problems import refused
from services.intake.api.requests import WishesSent
from services.intake.api.together import read_together, together
from services.intake.api.views import IF_MATCH, check_seen, closed, etag_of, not_found, render_view, stale
from services.intake.domain.checking import check_wishes
from services.intake.domain.codes import read_case_code
from services.intake.domain.contacts import Window
from services.intake.domain.policy import Policy
from services.intake.domain.refusals import Refusal
from services.intake.domain.requests import Needs
from services.intake.domain.wishes import Refused, merge_patch
from services.intake.handlers.wishes import Change, Wished, change_wishes, look_up_wishes
from shared.messaging import Database
from shared.web import Principal, Problem, allowed, fast_json, parse
from shared.web.described import patch_of

EXAMPLE: dict[str, Any] = {
    "modalities": ["audio", "phone"],
    "therapist_gender": {"must": False},
    "max_fee": None,
    "booking_mode": "choose",
}
CHANGING = patch_of(WishesSent, change=EXAMPLE) | IF_MATCH
Asker = Annotated[Principal, allowed(own=("person",))]


@dataclass(frozen=True, slots=True)
class WishDesk:
    """`look` reads a case with its wishes, `change` keeps them; both share transactions."""

    policy: Policy
    cards: CardDeck
    look: Callable[[str], Awaitable[Wished | None]]
    change: Callable[[Change], Awaitable[Refused | None]]


def open_wish_desk(policy: Policy, cards: CardDeck, database: Database) -> WishDesk:
    """The desk on this database."""
    look, change = read_together(database, look_up_wishes), together(database, change_wishes)
    return WishDesk(policy, cards, look, change)


def wish_routes(desk: WishDesk) -> APIRouter:
    """Both routes, for the person whose case it is."""
    router = APIRouter(tags=["cases"])

    @router.get("/v1/cases/{code}/wishes")
    async def show(code: str, caller: Asker) -> Response:
        """What is wished for now. The ETag is that of the case, to be sent back with a change."""
        found = await _own(desk, caller, code)
        headers = {"ETag": etag_of(found.view), "Cache-Control": "private, no-cache"}
        return fast_json(200, as_sent(found.needs), headers)

    @router.patch("/v1/cases/{code}", openapi_extra=CHANGING)
    async def change(code: str, caller: Asker, request: Request) -> Response:
        """Changes wishes by RFC 7396: null takes one away. Needs the case's ETag as If-Match; what nobody wishes to
        be other is left as it is, and answered with the same ETag."""
        found = await _own(desk, caller, code)
        check_seen(request, found.view)
        needs = wished_after(desk.policy, found.needs, await request.body())
        view, trace = found.view, request.scope.get("traceparent")
        answer = await desk.change(Change(view.case_id, view.version, needs, trace))
        if answer is not None:
            raise closed() if answer == "closed" else stale()
        now = await desk.look(view.case_code)
        return render_view(now.view if now else view, desk.cards)

    return router


def as_sent(needs: Needs) -> dict[str, Any]:
    """The wishes in the form in which they are sent, without those that were not said."""
    wishes = {name: getattr(needs, name) for name in WishesSent.model_fields}
    wishes["wanted_times"] = [_window(window) for window in needs.wanted_times]
    if gender := needs.therapist_gender:
        wishes["therapist_gender"] = {"wish": gender.wish, "must": gender.must}
    return {name: value for name, value in wishes.items() if value is not None}


def _window(window: Window) -> dict[str, Any]:
    return {"day": window.day, "start": _wall_time(window.start), "end": _wall_time(window.end)}


def _wall_time(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


async def _own(desk: WishDesk, caller: Principal, code: str) -> Wished:
    found = await desk.look(read_case_code(code) or "")
    if found is None or found.view.case_id != caller.case_id:
        raise not_found()
    return found


def wished_after(policy: Policy, before: Needs, body: bytes) -> Needs:
    """The wishes after a merge patch. Raises Problem 400 or 422, field by field."""
    try:
        patch = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Problem(400, "broken_json", "The body is not JSON.") from None
    if not isinstance(patch, dict):
        raise refused([Refusal("", "not_an_object", "a change is an object with the wishes that change")])
    if unknown := sorted(set(patch) - set(WishesSent.model_fields)):
        raise refused(
            [Refusal(_pointer(name), "not_changeable", "no wish that can be changed") for name in unknown]
        )
    try:
        merged = orjson.dumps(merge_patch(as_sent(before), patch))
    except orjson.JSONEncodeError:
        raise refused(
            [Refusal("", "too_deep", "no wish is an object within objects within objects")]
        ) from None
    sent = parse(WishesSent, merged)
    needs = check_wishes(policy, replace(before, **sent.wishes()))
    if isinstance(needs, list):
        raise refused(needs)
    return needs


def _pointer(name: str) -> str:
    return "/" + name[:40].replace("~", "~0").replace("/", "~1")
