"""Saying how one is reached now, or that it holds still: POST /v1/cases/{code}/contact."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Request, Response

from services.intake.api.problems import refused
from services.intake.api.requests import SMALLEST, ContactSent, Sent
from services.intake.api.together import read_together, together
from services.intake.api.views import closed, not_found
from services.intake.domain.codes import read_case_code
from services.intake.domain.contact_changes import Why
from services.intake.domain.contacts import Contact, read_contact
from services.intake.domain.refusals import Refusal
from services.intake.handlers.contacting import (
    Contacting,
    OnRecord,
    Reachable,
    change_contacts,
    look_up_contacts,
)
from shared.messaging import Database
from shared.privacy import Sealer
from shared.web import Principal, allowed, fast_json, parse
from shared.web.described import body_of

Owner = Annotated[Principal, allowed(own=("person",))]
EITHER = Refusal("", "one_of_two", "send `contact` or `confirm`, one of them")


class ContactingSent(Sent):
    """One of two: `contact`, as in POST /v1/cases, takes the place of what is on record; `confirm` says that this still
    holds."""

    contact: ContactSent | None = None
    confirm: bool = False


BODY = body_of(ContactingSent, change={"contact": SMALLEST["contact"]}, confirm={"confirm": True})


@dataclass(frozen=True, slots=True)
class ContactDesk:
    """`look` reads a case and how its person is reached, `change` keeps what is said; both share transactions."""

    look: Callable[[str], Awaitable[OnRecord | None]]
    change: Callable[[Contacting], Awaitable[Reachable | Why]]


def open_contact_desk(database: Database, sealer: Sealer) -> ContactDesk:
    """The desk on this database."""
    return ContactDesk(
        read_together(database, look_up_contacts), together(database, partial(change_contacts, sealer=sealer))
    )


def contact_routes(desk: ContactDesk) -> APIRouter:
    """The one route, for the person whose case it is."""
    router = APIRouter(tags=["cases"])

    @router.post("/v1/cases/{code}/contact", openapi_extra=BODY)
    async def change(code: str, caller: Owner, request: Request) -> Response:
        """How they are reached from now on, for 60 days without being asked again: messages that waited for it go. A
        stop stays a stop, which `stopped` says. The address is never shown again; doing it twice changes nothing."""
        contact = meant(await request.body())
        found = await desk.look(read_case_code(code) or "")
        if found is None or found.view.case_id != caller.case_id:
            raise not_found()
        answer = await tell(desk, found, contact, request.scope.get("traceparent"))
        body = {
            "channels": answer.channels,
            "confirmed_until": answer.confirmed_until,
            "stopped": answer.stopped,
        }
        return fast_json(200, body, {"Cache-Control": "no-store"})

    return router


def meant(body: bytes) -> Contact | None:
    """The contact that is sent, None where the one on record is confirmed. Raises Problem 400 or 422, field by field."""
    sent = parse(ContactingSent, body)
    if (sent.contact is None) is not sent.confirm:
        raise refused([EITHER])
    if sent.contact is None:
        return None
    contact = read_contact(sent.contact.meant())
    if isinstance(contact, list):
        raise refused(contact)
    return contact


async def tell(desk: ContactDesk, found: OnRecord, contact: Contact | None, trace: str | None) -> Reachable:
    """How they are reached afterwards. Raises Problem 404, 409 or 422."""
    answer = await desk.change(Contacting(found.view.case_id, contact, trace))
    if isinstance(answer, Reachable):
        return answer
    if isinstance(answer, list):
        raise refused(answer)
    raise closed() if answer == "closed" else not_found()
