"""Naming somebody who is to take part in a case that there is already: POST /v1/cases/{code}/attendees."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Request, Response

from services.intake.api.cases import find_for
from services.intake.api.duty import staff_of
from services.intake.api.problems import refused
from services.intake.api.requests import COUPLE, AttendeeSent
from services.intake.api.together import read_together, together
from services.intake.api.views import IF_MATCH, closed, has_seen, stale
from services.intake.domain.checking import read_participant
from services.intake.domain.invitations import SHOWN_TO_THE_ASKER
from services.intake.domain.refusals import Refusal
from services.intake.handlers.joining import Answer, Joining, let_join
from services.intake.handlers.lookups import look_up_cases
from services.intake.handlers.submission import Desk, Invited
from services.intake.repository.standings import CaseView
from shared.messaging import Database
from shared.web import Principal, allowed, fast_json, parse
from shared.web.described import body_of
from shared.web.posts import KEY_PARAMETER, idempotency_key

Caller = Annotated[Principal, allowed("coordinator", own=("person",))]
BY_STAFF = Refusal("/role", "not_by_yourself", "a guardian is named with the request, or by a coordinator")
BODY = body_of(AttendeeSent, partner=COUPLE["attendees"][0], told_by_the_asker={"role": "family"})
HEADERS: dict[str, Any] = {"parameters": [*IF_MATCH["parameters"], *KEY_PARAMETER["parameters"]]}


@dataclass(frozen=True, slots=True)
class JoiningDesk:
    """`look` reads a case, `join` shares transactions; `hash_key` hashes what a key was used for."""

    look: Callable[[str], Awaitable[CaseView | None]]
    join: Callable[[Joining], Awaitable[Answer]]
    desk: Desk
    hash_key: bytes


def open_joining_desk(desk: Desk, database: Database, hash_key: bytes) -> JoiningDesk:
    """The desk on this database."""
    return JoiningDesk(
        read_together(database, look_up_cases),
        together(database, partial(let_join, desk=desk)),
        desk,
        hash_key,
    )


def joining_routes(counter: JoiningDesk) -> APIRouter:
    """The one route."""
    router = APIRouter(tags=["cases"])

    @router.post("/v1/cases/{code}/attendees", status_code=201, openapi_extra=BODY | HEADERS)
    async def join(code: str, caller: Caller, request: Request) -> Response:
        """A partner or a relative joins, named by whoever asked, or anybody who fits, named by a coordinator. They are
        asked for themselves; an hour that is booked stays as it is, and whoever agrees takes part from the next one
        on. The code and the PIN are for them: whoever asked is not given those of a guardian."""
        view = await find_for(counter.look, code, caller)
        made = await counter.join(await _joining(counter, view, caller, request))
        if isinstance(made, Invited):
            return fast_json(201, _shown(counter, made, caller), {"Cache-Control": "no-store"})
        if isinstance(made, list):
            raise refused(made)
        raise closed() if made == "closed" else stale()

    return router


async def _joining(counter: JoiningDesk, view: CaseView, caller: Principal, request: Request) -> Joining:
    body, key = await request.body(), idempotency_key(request)
    participant = read_participant(parse(AttendeeSent, body).meant())
    if isinstance(participant, Refusal):
        raise refused([participant])
    by = None if caller.role == "person" else staff_of(caller)
    if by is None and participant.role not in SHOWN_TO_THE_ASKER:
        raise refused([BY_STAFF])
    whole = b"|".join((view.case_id.bytes, caller.subject.encode(), body))
    digest = blake2b(whole, key=counter.hash_key, digest_size=32).digest()
    trace = request.scope.get("traceparent")
    # The same key is answered as before, whatever became of the case since.
    seen = view.version if has_seen(request, view) else None
    return Joining(key, digest, view.case_id, seen, participant, by, trace)


def _shown(counter: JoiningDesk, made: Invited, caller: Principal) -> bytes:
    codes = {"code": made.code, "pin": counter.desk.pin_of(made.attendee_id)}
    to_hand_on = codes if made.role in SHOWN_TO_THE_ASKER or caller.role != "person" else {}
    return orjson.dumps({"role": made.role} | to_hand_on)
