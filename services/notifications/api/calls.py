"""GET /v1/calls/{task_id}: whom a coordinator is to call, and what they are told. The one place where a number is read."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response

from services.notifications.domain.windows import DEFAULT_WINDOWS
from services.notifications.gateways.vault import VaultAway
from services.notifications.handlers.reaching import NotNow, Reach, Reading, Verdict
from shared.privacy import SealBroken
from shared.web import Principal, Problem, allowed, fast_json

NO_STORE = {"Cache-Control": "no-store"}
Caller = Annotated[Principal, allowed("coordinator", "duty_clinician")]
Read = Callable[[Reading], Awaitable[Reach | Verdict | NotNow]]


def call_routes(read: Read) -> APIRouter:
    """The one route."""
    router = APIRouter(tags=["calls"])

    @router.get("/v1/calls/{task_id}")
    async def contact(task_id: UUID, caller: Caller) -> Response:
        """How the person behind a task (`call_person`, `tell_by_hand`) is reached, and what to say to them and to nobody
        else: the neutral text in their language. Only within their hours, `until` then; each reading is written down by
        name. `contact` null: `reason` says why."""
        if not caller.name:
            raise Problem(403, "name_needed", "Only a named human may read how somebody is reached.")
        reading = Reading(task_id, caller.subject, caller.name)
        return fast_json(200, _shown(_permitted(await _read(read, reading))), NO_STORE)

    return router


async def _read(read: Read, reading: Reading) -> Reach | Verdict | NotNow:
    try:
        return await read(reading)
    except VaultAway:
        detail, again = "The number cannot be opened now; try again.", {"retry-after": "1"}
        raise Problem(503, "vault_away", detail, headers=again) from None
    except SealBroken:
        return Reach("unreadable")


def _permitted(answer: Reach | Verdict | NotNow) -> Reach:
    if isinstance(answer, Reach):
        return answer
    if isinstance(answer, NotNow):
        again = f"; from {answer.at.isoformat()} on" if answer.at else ""
        raise Problem(409, "outside_their_hours", f"They may not be called now{again}.")
    if answer == "closed":
        raise Problem(409, "already_done", "Nobody has to be called for this any more.")
    raise Problem(404, "task_not_found", "There is no such task, or nobody is called for it.")


def _shown(reach: Reach) -> dict[str, Any]:
    if reach.reason:
        return {"contact": None, "reason": reach.reason}
    windows = [
        {"day": one.day, "start": _clock(one.start), "end": _clock(one.end)}
        for one in reach.windows or DEFAULT_WINDOWS
    ]
    contact = {
        "address": reach.address,
        "language": reach.language,
        "text": reach.text,
        "safe_windows": windows,
        "time_zone": reach.time_zone,
        "until": reach.until.isoformat() if reach.until else None,
    }
    return {"contact": contact, "reason": None}


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
