"""The vault: data keys for services that may have them, and only for people who may still be reached."""

import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from services.intake.api.requests import Sent
from services.intake.repository.keys import KeyAnswer, KeyQuestion
from shared.privacy import Sealer
from shared.web import Problem, allowed_services, fast_json, parse
from shared.web.described import body_of

# Which service may open what. Nobody may open answers over the wire.
# An alarm's contact is for the desk; it asks for a person's own where an alarm has none.
ALLOWED: Mapping[str, frozenset[str]] = {
    "notifications": frozenset({"contact"}),
    "intake": frozenset({"alarm_contact", "contact"}),
}
EXAMPLE = {"ids": ["018f3c1e-7b1a-7000-8000-0000000000b1"], "purpose": "contact"}


class KeysSent(Sent):
    """POST /internal/v1/keys: one call per batch of messages. Ids of people, of alarms for `alarm_contact`."""

    ids: Annotated[tuple[Annotated[UUID, Field(strict=False)], ...], Field(min_length=1, max_length=500)]
    purpose: Literal["contact", "answers", "alarm_contact"]


@dataclass(frozen=True, slots=True)
class Vault:
    """`read` is one transaction with one query that also writes down who asked."""

    sealer: Sealer
    service_tokens: Mapping[str, str]
    read: Callable[[KeyQuestion], Awaitable[list[KeyAnswer]]]


def key_routes(vault: Vault) -> APIRouter:
    """The one route."""
    router = APIRouter(tags=["vault"])
    Service = Annotated[str, allowed_services(vault.service_tokens)]

    @router.post("/internal/v1/keys", openapi_extra=body_of(KeysSent, batch=EXAMPLE))
    async def keys(service: Service, request: Request) -> Response:
        """Keys by person, and for everybody else why there is none."""
        sent = parse(KeysSent, await request.body())
        if sent.purpose not in ALLOWED.get(service, frozenset()):
            raise Problem(403, "purpose_not_allowed", "This service may not have keys for this purpose.")
        answers = await vault.read(KeyQuestion(sent.ids, sent.purpose, service))
        return fast_json(200, _render(vault.sealer, answers), {"Cache-Control": "no-store"})

    return router


def _render(sealer: Sealer, answers: list[KeyAnswer]) -> dict[str, dict[str, str]]:
    return {
        "keys": {
            str(a.person_id): base64.b64encode(sealer.unwrap(a.wrapped)).decode()
            for a in answers
            if a.wrapped
        },
        "refused": {str(a.person_id): a.state or "unknown" for a in answers if not a.wrapped},
    }
