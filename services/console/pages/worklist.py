"""/tasks in a browser: what is to be done, due first, with a form to take each and to say what came of it."""

from dataclasses import dataclass
from typing import Annotated, Any, get_args
from urllib.parse import urlencode
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response

from services.console.api.callers import human, sight_of
from services.console.api.journeys import MAY_LOOK
from services.console.api.tasks import (
    TO_DO,
    DoneSent,
    Worklist,
    following,
    narrowed,
    place_of,
    problem_of,
)
from services.console.domain.tasks import QUEUES, Refused, State
from services.console.handlers.worklist import Claiming, Finishing
from services.console.pages.calls import CALLERS, SPOKEN
from services.console.pages.rendering import SignedIn
from services.console.pages.signing_in import Reception, to
from services.console.repository.tasks import Wanted
from shared.web import Problem, parse, read_cursor
from shared.web.staff_forms import broken_form, check_mark, read_staff_form

PER_PAGE = 100
FIELDS = ("form", "act", "task", "version", "outcome", "queue", "state")
ROLES = tuple(QUEUES)


@dataclass(frozen=True, slots=True)
class Room:
    """Who lets people in, and what they work on."""

    reception: Reception
    worklist: Worklist


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page is asked to show; empty: all that is to be done."""

    queue: str = ""
    state: str = ""
    cursor: str | None = None


def worklist_pages(room: Room) -> APIRouter:
    """Every form calls what the JSON routes call."""
    router = APIRouter(include_in_schema=False)
    reception = room.reception

    @router.get("/")
    async def home() -> Response:
        """The worklist is what most come for."""
        return to("/tasks")

    @router.get("/tasks")
    async def listing(
        request: Request,
        queue: Annotated[str, Query(max_length=40)] = "",
        state: Annotated[str, Query(max_length=20)] = "",
        cursor: Annotated[str | None, Query(max_length=300)] = None,
    ) -> Response:
        """What is to be done, or where to sign in."""
        try:
            who = reception.signed_in(request, ROLES)
            return await _page(room, who, Asked(queue, state, cursor))
        except Problem as problem:
            return reception.refused(request, problem)

    @router.post("/tasks/act")
    async def act(request: Request) -> Response:
        """One form of the list; afterwards the list again."""
        try:
            who = reception.signed_in(request, ROLES)
            form = await read_staff_form(request, FIELDS)
            check_mark(form, who.form)
            await _act(room.worklist, who, form, request.scope.get("traceparent"))
        except Problem as problem:
            return await _again(room, request, problem)
        asked = {name: form[name] for name in ("queue", "state") if form.get(name)}
        return to("/tasks" + (f"?{urlencode(asked)}" if asked else ""))

    return router


async def _act(worklist: Worklist, who: SignedIn, form: dict[str, str], trace: str | None) -> None:
    try:
        task_id, seen = UUID(form["task"]), int(form["version"])
    except (KeyError, ValueError):
        raise broken_form() from None
    sight, by = sight_of(who.principal), human(who.principal)
    answered: Any
    if form.get("act") == "claim":
        answered = await worklist.claim(Claiming(task_id, sight, by, seen), trace)
    elif form.get("act") == "done":
        sent = parse(DoneSent, orjson.dumps({"outcome": form.get("outcome", "")}))
        answered = await worklist.finish(Finishing(task_id, sight, by, seen, sent.outcome), trace)
    else:
        raise broken_form()
    if isinstance(answered, Refused):
        raise problem_of(answered)


async def _again(room: Room, request: Request, problem: Problem) -> Response:
    """The list as it is now, and why nothing was changed; whoever is not known signs in."""
    if problem.status in (400, 401, 403):
        return room.reception.refused(request, problem)
    who = room.reception.signed_in(request, ROLES)
    message = " ".join([problem.detail, *(field.detail for field in problem.fields)])
    return await _page(room, who, Asked(), message, problem.status)


async def _page(room: Room, who: SignedIn, asked: Asked, message: str = "", status: int = 200) -> Response:
    if asked.state and asked.state not in get_args(State):
        raise Problem(422, "invalid_request", "There is no such state.")
    sight = narrowed(sight_of(who.principal), asked.queue or None)
    states: tuple[State, ...] = (asked.state,) if asked.state else TO_DO  # type: ignore[assignment]  # looked at above
    wanted = Wanted(states, None, read_cursor(asked.cursor, place_of), PER_PAGE + 1)
    found = await room.worklist.look(sight, wanted)
    tasks = found.tasks[:PER_PAGE]
    mine = [one for one in tasks if one.state == "claimed" and one.claimed_by == who.principal.subject]
    more = following(found, PER_PAGE)
    kept = {name: value for name, value in (("queue", asked.queue), ("state", asked.state)) if value}
    return room.reception.pages.page(
        "tasks.html",
        who,
        status,
        title="Worklist",
        message=message,
        mine=mine,
        others=[one for one in tasks if one not in mine],
        codes=found.codes,
        queue=asked.queue,
        state=asked.state,
        may_look=who.principal.role in MAY_LOOK,
        spoken=SPOKEN if who.principal.role in CALLERS else (),
        next=urlencode({**kept, "cursor": more}) if more else None,
    )
