"""GET /v1/tasks, POST /v1/tasks/{task_id}/claim and /done: what humans must do, who has it, what came of it."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, StringConstraints

from services.console.api.callers import human, sight_of
from services.console.domain.tasks import QUEUES, Refused, State, Task
from services.console.handlers.worklist import Claiming, Finishing, Listed
from services.console.repository.tasks import Place, Sight, Wanted
from shared.contracts.tasks import Queue
from shared.web import (
    FieldProblem,
    Moment,
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
from shared.web.versions import etag, seen_version

TO_DO: tuple[State, ...] = ("open", "claimed")
NO_STORE = {"Cache-Control": "no-store"}
STATUS = {
    "unknown": (404, "task_not_found", "There is no such task, or it is not for your role."),
    "version_missing": (428, "version_missing", "Say with If-Match which version you have seen."),
    "changed": (412, "stale_version", "It has changed since; look again."),
    "already_done": (409, "already_done", "This task has been done."),
    "held_by_another": (409, "held_by_another", "Somebody else has it. Take it over first."),
    "closes_itself": (409, "closes_itself", "It is done by itself once what it is about is settled."),
}

Staff = Annotated[Principal, allowed(own=tuple(QUEUES))]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,59}$", strict=True)]


class DoneSent(BaseModel):
    """What came of it: one of the task's own `outcomes`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    outcome: Code


@dataclass(frozen=True, slots=True)
class Worklist:
    """What routes and pages need; each call is a transaction of its own."""

    look: Callable[[Sight, Wanted], Awaitable[Listed]]
    claim: Callable[[Claiming, str | None], Awaitable[Listed | Refused]]
    finish: Callable[[Finishing, str | None], Awaitable[Listed | Refused]]


def task_routes(worklist: Worklist) -> APIRouter:
    """Coordinators see what is for them, for clinics and for supervisors; supervisors, duty clinicians, clinic desks (of
    their own organisation) and operators each their own queue."""
    router = APIRouter(tags=["tasks"])

    @router.get("/v1/tasks")
    async def look(
        caller: Staff,
        queue: Annotated[Queue | None, Query()] = None,
        state: Annotated[Literal["open", "claimed", "done"] | None, Query()] = None,
        due_before: Annotated[Moment | None, Query()] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Query(max_length=300)] = None,
    ) -> Response:
        """A page of what is to be done (or of one `state`), due first, so what is overdue comes before all else.
        `outcomes` are the codes that may be said when it is done; `next` goes on."""
        sight = narrowed(sight_of(caller), queue)
        states: tuple[State, ...] = (state,) if state else TO_DO
        wanted = Wanted(states, due_before, read_cursor(cursor, place_of), limit + 1)
        found = await worklist.look(sight, wanted)
        body = {"tasks": shown(found, limit), "next": following(found, limit)}
        return fast_json(200, body, NO_STORE)

    @router.post("/v1/tasks/{task_id}/claim")
    async def claim(task_id: UUID, caller: Staff, request: Request) -> Response:
        """Takes it, by name; If-Match says which version was seen. Whoever has seen that somebody else has it takes it
        over. Doing it twice changes nothing."""
        claiming = Claiming(task_id, sight_of(caller), human(caller), seen_version(request))
        return _answer(await worklist.claim(claiming, request.scope.get("traceparent")))

    @router.post("/v1/tasks/{task_id}/done", openapi_extra=body_of(DoneSent, told={"outcome": "told"}))
    async def done(task_id: UUID, caller: Staff, request: Request) -> Response:
        """Says what came of it, by name; If-Match says which version was seen. The service that opened it is told. The
        same again is the same answer. Of a call whose hours ended meanwhile, whoever had it says so all the same."""
        sent = parse(DoneSent, await request.body())
        finishing = Finishing(task_id, sight_of(caller), human(caller), seen_version(request), sent.outcome)
        return _answer(await worklist.finish(finishing, request.scope.get("traceparent")))

    return router


def narrowed(sight: Sight, queue: str | None) -> Sight:
    """Only this queue. Raises Problem 403 where it is none of theirs."""
    if queue is None:
        return sight
    if queue not in sight.queues:
        raise Problem(403, "not_your_queue", "This queue is not for your role.")
    return replace(sight, queues=(queue,))


def place_of(due_by: Any, task_id: Any) -> Place:
    """What a cursor packs."""
    return Place(moment(due_by), UUID(task_id))


def following(found: Listed, limit: int) -> str | None:
    """The cursor of the next page, where one more was found than is shown."""
    last = found.tasks[limit - 1] if len(found.tasks) > limit else None
    return pack_cursor(last.due_by, last.task_id) if last else None


def shown(found: Listed, limit: int = 200) -> list[dict[str, Any]]:
    """Tasks as JSON; `overdue` as of now."""
    now = datetime.now(UTC)
    return [_shown(one, found, now) for one in found.tasks[:limit]]


def problem_of(refused: Refused) -> Problem:
    """What is answered for each reason."""
    if refused.why == "not_for_this":
        field = FieldProblem("/outcome", "not_for_this", "That cannot come of this task.")
        return Problem(422, "invalid_request", "Some fields cannot be accepted.", [field])
    headers = {"ETag": etag(refused.version)} if refused.version else {}
    status, code, detail = STATUS[refused.why]
    return Problem(status, code, detail, headers=headers)


def _answer(answered: Listed | Refused) -> Response:
    if isinstance(answered, Refused):
        raise problem_of(answered)
    [task] = shown(answered)
    return fast_json(200, task, NO_STORE | {"ETag": etag(answered.tasks[0].version)})


def _shown(task: Task, found: Listed, now: datetime) -> dict[str, Any]:
    named = ("therapist_id", "site_id", "appointment_id")
    ids = {name: str(one) if (one := getattr(task, name)) else None for name in named}
    case = task.case_id
    return (
        asdict(task)
        | ids
        | {
            "task_id": str(task.task_id),
            "case_id": str(case) if case else None,
            "case_code": found.codes.get(case) if case else None,
            "overdue": task.state != "done" and task.due_by < now,
        }
    )
