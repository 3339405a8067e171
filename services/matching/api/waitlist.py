"""GET /v1/waitlist and POST /v1/waitlist/{case_id}/review: who waits, in the order in which they are served."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.matching.domain.cases import Case
from services.matching.repository.waitlist import Filter, Place, Waits
from shared.contracts.told import WaitReason
from shared.web import Principal, Problem, allowed, fast_json, moment, pack_cursor, read_cursor, whole

Coordinator = Annotated[Principal, allowed("coordinator")]
NO_STORE = {"Cache-Control": "no-store"}

Page = tuple[datetime, list[Waits]]


@dataclass(frozen=True, slots=True)
class WaitlistDesk:
    """What the routes need. `page` takes how many, after which place and which filter, and tells the time it is as of."""

    page: Callable[[int, Place | None, Filter], Awaitable[Page]]
    review: Callable[[UUID, str | None], Awaitable[tuple[bool, Case] | None]]


def waitlist_routes(desk: WaitlistDesk) -> APIRouter:
    """For coordinators. What a case is about is not told: only who waits, for how long, and why nobody was found."""
    router = APIRouter(tags=["waitlist"])

    @router.get("/v1/waitlist")
    async def look(
        _: Coordinator,
        province: Annotated[str | None, Query(max_length=8)] = None,
        reason: WaitReason | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Query(max_length=300)] = None,
    ) -> Response:
        """A page of the list, the next to be served first. `effective_priority` is the priority with what the wait
        adds; `alternatives` are kinds of other help that was offered meanwhile."""
        after = read_cursor(cursor, _place)
        as_of, found = await desk.page(limit + 1, after, Filter(province, reason))
        shown = found[:limit]
        more = _packed(shown[-1].place(as_of)) if len(found) > limit else None
        return fast_json(200, {"waiting": [_shown(one, as_of) for one in shown], "next": more}, NO_STORE)

    @router.post("/v1/waitlist/{case_id}/review")
    async def review(case_id: UUID, _: Coordinator, request: Request) -> Response:
        """Searches now instead of on the promised day. Whoever finds nobody gets a new date and keeps the place."""
        found = await desk.review(case_id, request.scope.get("traceparent"))
        if found is None:
            raise Problem(404, "case_not_found", "There is no such case.")
        was_waiting, case = found
        if not was_waiting:
            raise Problem(409, "not_waiting", "This case is not on the waiting list.")
        return fast_json(200, _reviewed(case), NO_STORE)

    return router


def _shown(one: Waits, as_of: datetime) -> dict[str, Any]:
    return {
        "case_id": str(one.case_id),
        "reason": one.reason,
        "priority": one.priority,
        "waited_days": (as_of - one.submitted_at).days,
        "effective_priority": one.effective,
        "next_review": one.next_review,
        "attempt": one.attempt,
        "province": one.province,
        "alternatives": one.alternatives,
    }


def _reviewed(case: Case) -> dict[str, Any]:
    return {
        "case_id": str(case.case_id),
        "state": case.state,
        "attempt": case.attempt,
        "reason": case.reason,
        "next_review": case.next_review,
    }


def _packed(place: Place) -> str:
    return pack_cursor(place.as_of, place.effective, place.submitted_at, place.case_id)


def _place(as_of: Any, effective: Any, submitted_at: Any, case_id: Any) -> Place:
    return Place(moment(as_of), whole(effective), moment(submitted_at), UUID(case_id))
