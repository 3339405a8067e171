"""GET /v1/alarms/{id}/contact: how to reach the person, for whoever has taken the alarm."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response

from services.intake.api.duty import NO_STORE, DutyDesk, named, stand_by
from services.intake.domain.alarms import Staff
from services.intake.gateways.vault import VaultAway
from services.intake.handlers.reaching import Reach, Reading
from shared.web import Principal, Problem, allowed, fast_json

# Only the own alarm, whichever clinician asks: to take it is to say who reads.
Taker = Annotated[Principal, allowed(own=("duty_clinician",))]


def reaching_routes(desk: DutyDesk) -> APIRouter:
    """The one route."""
    router = APIRouter(tags=["alarms"])

    @router.get("/v1/alarms/{alarm_id}/contact")
    async def contact(alarm_id: UUID, caller: Taker) -> Response:
        """The contact that was given with the alarm, else that of the case. Each reading is written down by name;
        times are wall time of `time_zone`. `contact` null: `reason` says why, and nobody else may be told more."""
        reach = await read_reach(desk, alarm_id, named(caller))
        shown = reach.contact and reach.contact | {"safe_windows": spoken_windows(reach.contact)}
        return fast_json(200, {"contact": shown, "reason": reach.reason}, NO_STORE)

    return router


async def read_reach(desk: DutyDesk, alarm_id: UUID, staff: Staff) -> Reach:
    """Raises Problem 403 for whoever has not taken it, 404, 409 when it is closed, 503 while the vault is away."""
    try:
        reach = await desk.reach(Reading(alarm_id, staff))
    except VaultAway:
        raise Problem(
            503, "vault_away", "The contact cannot be opened now; try again.", headers={"retry-after": "1"}
        ) from None
    if isinstance(reach, Reach):
        return reach
    if reach in ("not_acknowledged", "taken_by_another"):
        raise Problem(403, "take_it_first", "Only whoever has taken the alarm reads how to reach the person.")
    stand_by(reach)
    raise AssertionError(reach)


def spoken_windows(contact: dict[str, Any]) -> list[dict[str, Any]]:
    """Windows as people read them."""
    return [
        {"day": one["day"], "start": _clock(one["start"]), "end": _clock(one["end"])}
        for one in contact["safe_windows"]
    ]


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
