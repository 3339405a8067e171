"""One request, one transaction: use cases are called here, and what they refuse becomes a problem."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi import Request

from services.scheduling.domain.refusals import Refused
from services.scheduling.domain.wall_time import moment_of
from services.scheduling.repository.turns import InTurn
from shared.messaging import Transaction
from shared.messaging.failures import is_transient
from shared.web import FieldProblem, Problem

R = TypeVar("R")
UseCase = Callable[[Transaction], Awaitable[R]]

STATUS = {
    "not_found": 404,
    "slot_taken": 409,
    "already_cancelled": 409,
    "already_arrived": 409,
    "already_fulfilled": 409,
    "already_no_show": 409,
    "not_arrived": 409,
    "too_early": 409,
    "too_late": 409,
    "nothing_to_undo": 409,
    "already_begun": 409,
    "already_withdrawn": 409,
    "already_booked": 409,
    "already_held": 409,
    "already_confirmed": 409,
    "already_released": 409,
    "hold_expired": 409,
    "not_open": 409,
    "offered_to_person": 409,
    "case_moved_on": 409,
    "stale_version": 412,
    "invalid_request": 422,
    "version_missing": 428,
}


async def answer(in_turn: InTurn, request: Request, use_case: UseCase[R]) -> R:
    """What the use case answers once it is committed. Raises Problem."""
    try:
        reads = request.method == "GET"
        return await in_turn(use_case, origin=request.scope.get("traceparent"), reads=reads)
    except Refused as refused:
        raise _problem(refused) from None
    except Exception as failure:
        if is_transient(failure):
            raise _away() from failure
        raise


def _problem(refused: Refused) -> Problem:
    fields = [FieldProblem(fault.pointer, fault.code, fault.detail) for fault in refused.faults]
    open_starts = [moment_of(minute).isoformat() for minute in refused.alternatives]
    detail = refused.detail or "It does not exist, or it is not yours."
    members: dict[str, Any] = {"alternatives": open_starts} if refused.code == "slot_taken" else {}
    if refused.possible_from is not None:
        members["possible_from"] = moment_of(refused.possible_from).isoformat()
    return Problem(STATUS[refused.code], refused.code, detail, fields, members=members)


def _away() -> Problem:
    detail = "It may not have been saved; please look, and send it again."
    return Problem(503, "try_again", detail, headers={"retry-after": "1"})
