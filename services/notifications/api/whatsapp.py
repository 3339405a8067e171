"""/v1/receipts/whatsapp: WhatsApp's own webhook. It is set up by a GET that has to be answered, and tells what became of
messages in a form of its own, signed with the secret of the app (X-Hub-Signature-256).

The form: Meta's reference "Status messages webhook", 2026-05. `read` without `delivered` before it means both.
"""

import hmac
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.notifications.api.receipts import Take, taken
from services.notifications.domain.receipts import Fate, Receipt
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
    """What became of one message; `biz_opaque_callback_data` is our id, as it was sent along."""

    status: str
    biz_opaque_callback_data: str | None = None


class NewsTold(Told):
    """What the field `messages` holds of our own messages; other people's answers are not read."""

    statuses: tuple[StatusTold, ...] = ()


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


def whatsapp_routes(take: Take, secrets: Sequence[bytes], verify_token: str) -> APIRouter:
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
        """How many receipts meant what. What tells nothing of our messages is taken and left, or it would come for days."""
        return await taken(take, list(_receipts(parse(WhatsAppTold, await request.body()))))

    return router


def _receipts(told: WhatsAppTold) -> Iterator[Receipt]:
    news = [one.value for entry in told.entry for one in entry.changes if one.field == NEWS]
    for status in (one for value in news for one in _news(value).statuses):
        message_id, fate = _id_of(status), FATES.get(status.status)
        if message_id and fate:
            yield Receipt(message_id, "whatsapp", fate)


def _news(value: Mapping[str, Any]) -> NewsTold:
    """The value of the one field that is read. Raises Problem 422 that names what is wrong in it."""
    return parse(NewsTold, orjson.dumps(value))


def _id_of(status: StatusTold) -> UUID | None:
    try:
        return UUID(status.biz_opaque_callback_data or "")
    except ValueError:
        return None
