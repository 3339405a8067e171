"""GET /v1/continuity and POST /v1/continuity/{task_id}/close: who has to be told or booked again, by when."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.matching.api.profiles import Sent
from services.matching.domain.continuity import Outcome, Task
from services.matching.handlers.continuity import Closing, NotClosed
from services.matching.repository.continuity import Place
from shared.web import (
    FieldProblem,
    Principal,
    Problem,
    allowed,
    fast_json,
    moment,
    pack_cursor,
    parse,
    read_cursor,
)
from shared.web.described import body_of

EXAMPLE: dict[str, Any] = {"outcome": "rebooked"}
NO_STORE = {"Cache-Control": "no-store"}

Coordinator = Annotated[Principal, allowed("coordinator")]


class ClosingSent(Sent):
    """What came of it: of an hour `rebooked`, `told`, `stays`, `not_reached`; of a credential `renewed`, `not_renewed`."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class ContinuityRoutes:
    """What the routes need. `page` takes how many and after which place."""

    page: Callable[[int, Place | None], Awaitable[list[Task]]]
    close: Callable[[Closing], Awaitable[Task | NotClosed]]


def continuity_routes(desk: ContinuityRoutes) -> APIRouter:
    """For coordinators. Whose hour it is and when; nothing of what a case is about."""
    router = APIRouter(tags=["continuity"])

    @router.get("/v1/continuity")
    async def look(
        _: Coordinator,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Query(max_length=300)] = None,
    ) -> Response:
        """A page of what is open, due first: an `hour` that is booked with somebody who is out then, a `credential` that
        runs out. `until` is when either ends."""
        found = await desk.page(limit + 1, read_cursor(cursor, _place))
        shown = found[:limit]
        more = pack_cursor(shown[-1].due_by, shown[-1].task_id) if len(found) > limit else None
        return fast_json(200, {"tasks": [_shown(one) for one in shown], "next": more}, NO_STORE)

    @router.post("/v1/continuity/{task_id}/close", openapi_extra=body_of(ClosingSent, rebooked=EXAMPLE))
    async def close(task_id: UUID, caller: Coordinator, request: Request) -> Response:
        """Says what came of it, by name. The same again is the same answer; what another has closed stays as it is."""
        sent = parse(ClosingSent, await request.body())
        if not caller.name:
            raise Problem(403, "name_needed", "Only a named human may close a task.")
        closed = await desk.close(Closing(task_id, sent.outcome, caller.subject, caller.name))
        if isinstance(closed, NotClosed):
            raise _problem(closed)
        return fast_json(200, _shown(closed), NO_STORE)

    return router


def _problem(refused: NotClosed) -> Problem:
    if refused.why == "unknown":
        return Problem(404, "task_not_found", "There is no such task.")
    if refused.why == "closed":
        return Problem(409, "already_closed", "This task has been closed.")
    field = FieldProblem("/outcome", "not_for_this", "That cannot come of a task of this kind.")
    return Problem(422, "invalid_request", "Some fields cannot be accepted.", [field])


def _shown(task: Task) -> dict[str, Any]:
    said = asdict(task) | {"task_id": str(task.task_id), "therapist_id": str(task.therapist_id)}
    return said | {"case_id": str(task.case_id) if task.case_id else None}


def _place(due_by: Any, task_id: Any) -> Place:
    return Place(moment(due_by), UUID(task_id))
