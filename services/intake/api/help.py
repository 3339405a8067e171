"""Pressing "help": POST /v1/crisis/help. Whatever is said, the answer says whom to call now."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.intake.api.cards import CardDeck
from services.intake.api.problems import refused
from services.intake.api.requests import ContactSent, Sent
from services.intake.domain import crisis
from services.intake.domain.codes import pin
from services.intake.domain.contacts import Contact
from services.intake.domain.help import case_code_of, read_contact, smallest_request
from services.intake.domain.policy import Policy
from services.intake.domain.rota import Staffing
from services.intake.domain.vocabulary import Language, Level, Province
from services.intake.handlers.help import CallForHelp, Helped
from shared.web import PUBLIC, Problem, TokenVerifier, fast_json, parse
from shared.web.described import body_of
from shared.web.posts import KEY_PARAMETER, idempotency_key

NO_STORE = {"Cache-Control": "no-store"}
NOTHING = Helped("nothing", reachable=False)


class HelpSent(Sent):
    """POST /v1/crisis/help. A case code is used where there is neither a session nor a contact."""

    province: Province
    language: Literal["en", "ur", "ur-Latn"] | None = None
    case_code: str | None = None
    contact: ContactSent | None = None


BODY = body_of(
    HelpSent,
    lines_only={"province": "PK-PB"},
    call_me={"province": "PK-SD", "language": "ur", "contact": {"channel": "sms", "address": "0399 1234567"}},
)


@dataclass(frozen=True, slots=True)
class HelpCounter:
    """What asking for help needs; `call` shares transactions between those that come together."""

    policy: Policy
    cards: CardDeck
    pin_key: bytes
    lookup_key: bytes
    call: Callable[[CallForHelp], Awaitable[Helped]]


def help_routes(counter: HelpCounter) -> APIRouter:
    """The one route."""
    router = APIRouter(tags=["crisis"])

    @router.post("/v1/crisis/help", status_code=202, openapi_extra=BODY | PUBLIC | KEY_PARAMETER)
    async def ask_for_help(request: Request) -> Response:
        """Asks that a human calls. With a session, a contact or a case code an alarm is raised and the answer is 202;
        with none of them it is 200, and nobody can call. The key is needed for the former only."""
        body = await request.body()
        sent = parse(HelpSent, body)
        case_id, contact = _session(request), _contact(sent)
        code = case_code_of(sent.case_code, in_session=case_id is not None, has_contact=contact is not None)
        if case_id is None and contact is None and code is None:
            return _answer(counter, sent, NOTHING)
        spoken: Language = "en" if (sent.language or (contact and contact.language)) == "en" else "ur"
        call = CallForHelp(
            idempotency_key(request),
            _digest(counter, case_id, body),
            case_id,
            code,
            sent.province,
            contact,
            smallest_request(contact, sent.province, spoken) if contact else None,
            request.scope.get("traceparent"),
        )
        return _answer(counter, sent, await counter.call(call))

    return router


def _session(request: Request) -> UUID | None:
    # A session that has ended, or is not one, is no reason to turn anybody away here.
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    verifier: TokenVerifier = request.app.state.tokens
    try:
        principal = verifier.verify(token.strip(), now=time.time())
    except Problem:
        return None
    return principal.case_id if principal.role == "person" else None


def _contact(sent: HelpSent) -> Contact | None:
    found = read_contact(sent.contact.meant()) if sent.contact else None
    if isinstance(found, list):
        raise refused(found)
    return found


def _digest(counter: HelpCounter, case_id: UUID | None, body: bytes) -> bytes:
    # A session may be renewed between two tries with one key; the case it is for may not change.
    who = case_id.bytes if case_id else b""
    return blake2b(who + body, key=counter.lookup_key, digest_size=32).digest()


def _call_me(staffing: Staffing | None, level: Level, minutes: int) -> dict[str, Any]:
    if staffing is None:
        return crisis.call_me(minutes)
    return crisis.call_me(minutes, staffing.staffed((level,)), staffing.next_staffed_at(level))


def _answer(counter: HelpCounter, sent: HelpSent, helped: Helped) -> Response:
    language = sent.language or helped.card_language or "en"
    card = counter.cards.card(sent.province, language)
    alarms = counter.policy.alarms
    if helped.reachable:
        minutes = alarms.within[alarms.help_level].total_seconds() / 60
        card["call_me"] = _call_me(helped.staffing, alarms.help_level, round(minutes))
    body: dict[str, Any] = {"crisis": card}
    if helped.opened is not None:
        secret = pin(counter.pin_key, helped.opened)
        url = f"/v1/cases/{helped.case_code}"
        body = {"case_code": helped.case_code, "pin": secret, "status_url": url} | body
    return fast_json(200 if helped.answer == "nothing" else 202, body, NO_STORE)
