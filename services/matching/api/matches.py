"""GET /v1/matches?case_id=: why a case got whom it got, or nobody yet."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response

from shared.web import Principal, Problem, allowed, fast_json

# A supervisor only of their own counsellors, which nothing here can tell yet: a profile names its supervisor by an id
# that no token carries.
Overseer = Annotated[Principal, allowed("coordinator")]
Why = Callable[[UUID], Awaitable[dict[str, Any] | None]]


def match_routes(why: Why) -> APIRouter:
    """For those who coordinate care: rule names, counts and points are no one else's business."""
    router = APIRouter(tags=["matches"])

    @router.get("/v1/matches")
    async def explain(case_id: UUID, _: Overseer) -> Response:
        """Attempt by attempt: how many therapists each rule left, and what each rule added for those asked."""
        found = await why(case_id)
        if found is None:
            raise Problem(404, "case_not_found", "There is no such case.")
        return fast_json(200, found, {"Cache-Control": "no-store"})

    return router
