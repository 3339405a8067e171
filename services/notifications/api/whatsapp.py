"""/v1/receipts/whatsapp: WhatsApp's own webhook. It is set up by a GET that has to be answered, and tells what became of
messages in a form of its own, signed with the secret of the app (X-Hub-Signature-256).

The form: Meta's reference "Status messages webhook", 2026-05. `read` without `delivered` before it means both.
"""

import hmac
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.notifications.api.receipts import Take, ready, taken
from services.notifications.domain.receipts import Fate, Receipt
from services.notifications.domain.stopping import wants_no_more
from services.notifications.gateways.whatsapp import called
from services.notifications.templates import stop_words
from shared.web import PUBLIC, Problem, parse
from shared.web.described import body_of
from shared.web.signatures import hub_signed

PATH = "/v1/receipts/whatsapp"
# `sent` says no more than the answer to our call did; what else there may be some day says nothing to us.
FATES: Mapping[str, Fate] = {"delivered": "delivered", "read": "delivered", "failed": "failed"}
NEWS = "messages"
EXAMPLE: dict[str, Any] = {
    "object": "whatsapp_business_account",
    "entry": [
        {
            "id": "0",
            "changes": [
                {
                    "field": NEWS,
                    "value": {
                        "messaging_product": "whatsapp",
                        "statuses": [
                            {
                                "id": "wamid.HBgNOTIzOTkxMjM0NTY3",
                                "status": "delivered",
                                "timestamp": "1795000000",
                                "recipient_id": "923991234567",
                                "biz_opaque_callback_data": "018f3c1e-7b1a-7000-8000-0000000000c1",
                            }
                        ],
                    },
                }
            ],
        }
    ],
}


class Told(BaseModel):
    """Another's form, which grows: what is not named here is not looked at."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class StatusTold(Told):
    """What became of one message; `biz_opaque_callback_data` is our id, as it was sent along, and `id` the platform's."""

    status: str
    id: str | None = None
    biz_opaque_callback_data: str | None = None


class ContextTold(Told):
    """The message that is answered, as the platform calls it."""

    id: str | None = None


class WordsTold(Told):
    """What was written (`body`), or which button was pressed."""

    body: str = ""
    text: str = ""


class AnswerTold(Told):
    """What somebody answered. Who it was is not read: the message that is answered says it."""

    context: ContextTold | None = None
    text: WordsTold | None = None
    button: WordsTold | None = None

    @property
    def words(self) -> str:
        """Nothing for what is no text."""
        return (self.text.body if self.text else "") or (self.button.text if self.button else "")


class NewsTold(Told):
    """What the field `messages` holds: what became of our messages, and answers to them."""

    statuses: tuple[StatusTold, ...] = ()
    messages: tuple[AnswerTold, ...] = ()


class ChangeTold(Told):
    """Other fields (templates, the account) have other values."""

    field: str
    value: dict[str, Any]


class EntryTold(Told):
    """One account."""

    changes: tuple[ChangeTold, ...]


class WhatsAppTold(Told):
    """One call."""

    entry: tuple[EntryTold, ...]


class SetUp(BaseModel):
    """What the platform asks when the webhook is entered there."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    mode: Annotated[str, Field(alias="hub.mode")]
    token: Annotated[str, Field(alias="hub.verify_token", max_length=200)]
    challenge: Annotated[str, Field(alias="hub.challenge", pattern=r"^[A-Za-z0-9_-]{1,200}$")]


Stop = Callable[[Sequence[str]], Awaitable[int]]


def whatsapp_routes(take: Take, stop: Stop, secrets: Sequence[bytes], verify_token: str) -> APIRouter:
    """Both are there at any time; without secrets nobody comes in, without a token nothing can be set up."""
    router = APIRouter(tags=["receipts"])

    @router.get(PATH, response_class=Response, openapi_extra=PUBLIC)
    async def set_up(asked: Annotated[SetUp, Query()]) -> Response:
        """Gives the challenge back to whoever knows the token that was entered on both sides."""
        knows = hmac.compare_digest(asked.token.encode(), verify_token.encode())
        if asked.mode != "subscribe" or not (verify_token and knows):
            raise Problem(404, "not_found", "There is nothing to be set up with this token.")
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        return Response(asked.challenge, media_type="text/plain", headers=headers)

    @router.post(
        PATH, dependencies=[hub_signed(secrets)], openapi_extra=body_of(WhatsAppTold, delivered=EXAMPLE)
    )
    async def receive(request: Request) -> Response:
        """How many receipts meant what, and how many people wanted no more messages. What tells nothing of our messages is
        taken and left, or it would come for days. An answer of any other words is read by nobody and kept nowhere."""
        news = _news(parse(WhatsAppTold, await request.body()))
        stopping = [one for one in map(_stopped, (a for told in news for a in told.messages)) if one]
        return await taken(take, list(_receipts(news)), stopped=await _ending(stop, stopping))

    return router


def _news(told: WhatsAppTold) -> list[NewsTold]:
    """The values of the one field that is read. Raises Problem 422 that names what is wrong in one."""
    values = [one.value for entry in told.entry for one in entry.changes if one.field == NEWS]
    return [parse(NewsTold, orjson.dumps(value)) for value in values]


def _receipts(news: Sequence[NewsTold]) -> Iterator[Receipt]:
    for status in (one for told in news for one in told.statuses):
        message_id, fate = _id_of(status), FATES.get(status.status)
        if message_id and fate:
            yield Receipt(message_id, "whatsapp", fate, called(status.id) if status.id else None)


def _stopped(answer: AnswerTold) -> str | None:
    """The message whose reader wants no more, as it is called here."""
    context = answer.context.id if answer.context else None
    return called(context) if context and wants_no_more(answer.words, stop_words()) else None


async def _ending(stop: Stop, answered: Sequence[str]) -> int:
    return await ready(stop(answered)) if answered else 0


def _id_of(status: StatusTold) -> UUID | None:
    try:
        return UUID(status.biz_opaque_callback_data or "")
    except ValueError:
        return None
