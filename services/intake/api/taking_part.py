"""How a case stands for somebody who takes part in it beside whoever asked: their own view of it, and no other."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from fastapi import Response

from services.intake.api.views import fresh_or_seen, not_found
from services.intake.domain.codes import read_case_code
from services.intake.repository.taking_part import OwnView
from shared.web import Principal

LookOwn = Callable[[str], Awaitable[OwnView | None]]


async def find_own(look: LookOwn, code: str, caller: Principal) -> OwnView:
    """The caller's own view, by their own code. Raises Problem 404 for everything else, also for the asker's code."""
    view = await look(read_case_code(code) or "")
    if view is None or (caller.case_id, caller.attendee_id) != (view.case_id, view.attendee_id):
        raise not_found()
    return view


def render_own(view: OwnView, seen: str | None) -> Response:
    """The view with its ETag; 304 when `seen` is what it still is."""
    return fresh_or_seen(orjson.dumps(_shown(view)), seen)


def _shown(view: OwnView) -> Mapping[str, Any]:
    path, stands = f"/v1/cases/{view.code}", view.standing
    links = {"self": path}
    if stands.appointment_id is not None:
        links["appointment"] = f"/v1/appointments/{stands.appointment_id}"
    return {
        "code": view.code,
        "state": stands.state,
        "until": stands.until,
        "next_step": stands.next_step,
        "links": links,
    }
