"""One request for care, from its body to what whoever asked is told.

Whoever may be in danger waits for nobody else, and is never told to come again because there are many: what the request raises is
decided first, and if it is an alarm the crisis process takes it in, or a transaction of its own where that one is not there.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

from fastapi import Request

from services.intake.api.cards import CardDeck
from services.intake.api.earlier import Proof, prove
from services.intake.api.problems import refused
from services.intake.api.requests import CaseSent
from services.intake.api.together import Together
from services.intake.domain.admission import admit
from services.intake.domain.checking import check
from services.intake.domain.codes import pin
from services.intake.domain.crisis import card_language
from services.intake.domain.policy import Policy
from services.intake.domain.requests import CareRequest, EarlierCase
from services.intake.gateways.crisis import CrisisProcess, Said
from services.intake.handlers.acceptance import Post
from services.intake.handlers.submission import Accepted, Asked
from shared.telemetry import force_sampled
from shared.web import FieldProblem, Problem, parse

ACCEPTED = 202
# What is left of the second in which an answer is promised, when the crisis process was asked.
STILL_AT_IT_SECONDS = (0.05, 0.1, 0.1)


@dataclass(frozen=True, slots=True)
class Answered:
    """What whoever asked is told; `participants` as they are shown: `role`, `code` and `pin` of those whose codes they hand on."""

    case_code: str
    pin: str
    alarmed: bool
    province: str
    card_language: str
    participants: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True, slots=True)
class CaseCounter:
    """What asking needs; `let_in` raises Problem 503 where too much waits already; `accept` shares transactions between
    requests that come together, and `accept_alarm` does for those of people who may be in danger, who wait for nobody
    else; `crisis` is the process that takes these in first, None in that process itself; `proof` is asked only where a request continues
    an earlier case."""

    policy: Policy
    cards: CardDeck
    pin_key: bytes
    lookup_key: bytes
    let_in: Callable[[], Awaitable[None]]
    accept: Together[Post, Accepted]
    accept_alarm: Together[Post, Accepted]
    proof: Proof
    crisis: CrisisProcess | None = None


async def accept_body(counter: CaseCounter, request: Request, key: str, body: bytes) -> Answered:
    """One case for this key and body, whatever the request brought them in. Raises Problem 409, 422 or 503."""
    care = _read(counter.policy, body)
    admission = admit(counter.policy, care)
    if admission.alarm is None:
        await counter.let_in()
        counter.accept.admit()
    elif counter.crisis and (said := await counter.crisis.ask(body, _with(key, request))):
        return _told(said, care)
    if isinstance(care.continues, EarlierCase):
        care = replace(care, continues=await prove(counter.proof, request, care.continues))
    digest = blake2b(body, key=counter.lookup_key, digest_size=32).digest()
    post = Post(key, digest, Asked(care, request.scope.get("traceparent"), admission=admission))
    accepted = await (_urgently(counter, post) if admission.alarm else counter.accept(post))
    return _answered(counter.pin_key, accepted)


async def _urgently(counter: CaseCounter, post: Post) -> Accepted:
    """Whoever may be in danger is not sent away because the crisis process, which was asked before, is still at it: it may fail."""
    for seconds in STILL_AT_IT_SECONDS:
        try:
            return await counter.accept_alarm(post)
        except Problem as problem:
            if problem.code != "in_flight":
                raise
        await asyncio.sleep(seconds)
    return await counter.accept_alarm(post)


def _read(policy: Policy, body: bytes) -> CareRequest:
    care = check(policy, parse(CaseSent, body).meant())
    if isinstance(care, list):
        raise refused(care)
    return care


def _answered(pin_key: bytes, accepted: Accepted) -> Answered:
    return Answered(
        accepted.case_code,
        pin(pin_key, accepted.case_id),
        accepted.alarmed,
        accepted.province,
        accepted.card_language,
        [
            {"role": one.role, "code": one.code, "pin": pin(pin_key, one.attendee_id)}
            for one in accepted.shown
        ],
    )


def _with(key: str, request: Request) -> dict[str, str]:
    """What goes with the body: its key, its trace, kept from its first step on, and who asks, where they go on from an earlier case."""
    headers = {"idempotency-key": key, "content-type": "application/json"}
    if trace := force_sampled(request.scope.get("traceparent")):
        headers["traceparent"] = trace
    if who := request.headers.get("authorization"):
        headers["authorization"] = who
    return headers


def _told(said: Said, care: CareRequest) -> Answered:
    """The same as if it had been taken in here. Raises the Problem that was said there."""
    told = said.document
    if said.status != ACCEPTED:
        raise _said_there(said.status, told, said.headers)
    contact = care.contact
    return Answered(
        told["case_code"],
        told["pin"],
        True,
        care.needs.province,
        card_language(contact.language, contact.script),
        told.get("participants", ()),
    )


def _said_there(status: int, told: Mapping[str, Any], headers: Mapping[str, str]) -> Problem:
    fields = [FieldProblem(**one) for one in told.get("errors", ())]
    later = {"retry-after": headers["retry-after"]} if "retry-after" in headers else {}
    return Problem(status, told["code"], told.get("detail", ""), fields, later)
