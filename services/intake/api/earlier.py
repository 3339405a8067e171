"""A request that continues an earlier case: only whoever can come back to that case may say so.

Otherwise a case code, which is spoken and printed, would tie a stranger to somebody's story. The new case has a person
handle of its own: a stop or an erasure of the earlier one stays what it is, and its contact is not taken over.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from fastapi import Request

from services.intake.api.sessions import too_soon
from services.intake.domain.codes import read_pin, tried_code
from services.intake.domain.requests import EarlierCase
from services.intake.handlers.sessions import Knock, Refused
from services.intake.repository.sessions import Holder
from services.intake.repository.standings import CaseView
from shared.web import FieldProblem, Principal, Problem, allowed

# Asked only of whoever shows a session: most requests continue nothing, and anybody may make one.
PERSON = allowed(own=("person",))
Try = Callable[[Knock], Awaitable[Holder | Refused]]


@dataclass(frozen=True, slots=True)
class Proof:
    """`knock` tries a PIN, slowed like a session; `look` finds the case a session is of."""

    knock: Try
    look: Callable[[str], Awaitable[CaseView | None]]


async def prove(proof: Proof, request: Request, earlier: EarlierCase) -> UUID:
    """The earlier case's id. Raises Problem 422 that names the field, or 429 after several wrong tries."""
    if earlier.pin is None:
        return await _by_session(proof, request, tried_code(earlier.case_code))
    return await prove_by_pin(proof.knock, earlier)


async def prove_by_pin(knock: Try, earlier: EarlierCase) -> UUID:
    """As `prove`, for whoever asks on behalf of others: their own session says nothing about the earlier case."""
    if earlier.pin is None:
        raise _unproved("proof_needed")
    found = await knock(Knock(tried_code(earlier.case_code), read_pin(earlier.pin)))
    if isinstance(found, Refused):
        raise too_soon(found) if found.wait_seconds else _unproved("wrong_code_or_pin")
    if found.role != "person":
        # Whoever takes part asked for nothing that they could go on from.
        raise _unproved("wrong_code_or_pin")
    return found.case_id


async def _by_session(proof: Proof, request: Request, code: str) -> UUID:
    if "authorization" not in request.headers:
        raise _unproved("proof_needed")
    principal: Principal = await PERSON.dependency(request)
    view = await proof.look(code)
    if view is None or view.case_id != principal.case_id:
        raise _unproved("wrong_code_or_pin")
    return view.case_id


def _unproved(code: str) -> Problem:
    detail = "Its code with its PIN, or a session of that case, is needed to go on from it."
    field = FieldProblem("/continues", code, detail)
    return Problem(422, "invalid_request", "Some fields cannot be accepted.", [field])
