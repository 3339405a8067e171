"""/tasks/{task_id}/call in a browser: the number and the words for whoever has taken the task, and what came of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.console.api.callers import sight_of
from services.console.api.journeys import MAY_LOOK
from services.console.api.tasks import STATUS
from services.console.domain.tasks import Task
from services.console.gateways.notifications import Answer, NotificationsAway
from services.console.handlers.worklist import Listed
from services.console.pages.rendering import SignedIn
from services.console.pages.signing_in import COOKIE, Reception
from services.console.repository.tasks import Sight
from shared.web import Problem

# Work in which somebody is spoken to, and who may do it.
SPOKEN = ("call_person", "tell_by_hand")
CALLERS = ("coordinator", "duty_clinician")
REASONS = {
    "stopped": "They want to hear nothing from us. Do not call.",
    "erased": "They have been erased.",
    "unknown": "Nobody knows them any more.",
    "no_address": "There is no number of theirs.",
    "unreadable": "Their number cannot be read; tell an operator.",
}


@dataclass(frozen=True, slots=True)
class CallDesk:
    """What the page asks: a task as it stands, and how its person is reached."""

    see: Callable[[Sight, UUID], Awaitable[Listed]]
    ask: Callable[[UUID, str], Awaitable[Answer]]


def call_pages(reception: Reception, desk: CallDesk) -> APIRouter:
    """Opening it reads the number, which is written down."""
    router = APIRouter(include_in_schema=False)

    @router.get("/tasks/{task_id}/call")
    async def look(task_id: UUID, request: Request) -> Response:
        """One call."""
        try:
            who = reception.signed_in(request, CALLERS)
            found = await desk.see(sight_of(who.principal), task_id)
            task = _taken(found, who)
            answer = await _ask(desk, task, request.cookies.get(COOKIE, ""))
        except Problem as problem:
            if problem.status == 401:
                return reception.refused(request, problem)
            return reception.pages.nothing(None, problem.status, problem.detail)
        return reception.pages.page(
            "call.html",
            who,
            title="Call",
            task=task,
            code=found.codes.get(task.case_id) if task.case_id else None,
            contact=answer.contact,
            why=REASONS.get(answer.reason or "", answer.reason),
            may_look=who.principal.role in MAY_LOOK,
        )

    return router


def _taken(found: Listed, who: SignedIn) -> Task:
    """Raises Problem 404 for what is no call, and 409 for what is done or is not theirs."""
    task = next(iter(found.tasks), None)
    if task is None or task.kind not in SPOKEN:
        status, code, detail = STATUS["unknown"]
        raise Problem(status, code, detail)
    if task.state == "done":
        raise Problem(409, "already_done", "This task has been done.")
    if task.claimed_by != who.principal.subject:
        raise Problem(409, "take_it_first", "Take the task first: it says who calls.")
    return task


async def _ask(desk: CallDesk, task: Task, token: str) -> Answer:
    try:
        answer = await desk.ask(task.task_id, token)
    except NotificationsAway:
        raise Problem(503, "try_again", "The number cannot be read now. Please look again.") from None
    if answer.status != 200:
        raise Problem(answer.status, "refused", answer.detail)
    return answer
