"""POST /v1/receipts: a gateway tells what became of messages it took; it shows who it is by signing the body."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Literal, TypeVar
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.notifications.domain.receipts import Receipt
from shared.messaging.failures import is_transient
from shared.web import Problem, fast_json, parse
from shared.web.described import body_of
from shared.web.signatures import signed

EXAMPLE = {
    "receipts": [
        {"id": "018f3c1e-7b1a-7000-8000-0000000000c1", "status": "delivered"},
        {"id": "018f3c1e-7b1a-7000-8000-0000000000c2", "status": "failed", "channel": "whatsapp"},
    ]
}
MEANINGS = ("delivered", "failed", "next_channel", "repeated", "late", "unknown")


class Strict(BaseModel):
    """What both have in common."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ReceiptSent(Strict):
    """One message: our id, as the gateway was given it, and its fate."""

    id: Annotated[UUID, Field(strict=False)]
    status: Literal["delivered", "failed"]
    channel: Literal["sms", "whatsapp"] = "sms"


class ReceiptsSent(Strict):
    """Up to 500 at once."""

    receipts: Annotated[tuple[ReceiptSent, ...], Field(min_length=1, max_length=500)]


T = TypeVar("T")
Take = Callable[[Sequence[Receipt]], Awaitable[dict[str, int]]]


def receipt_routes(take: Take, secrets: Sequence[bytes]) -> APIRouter:
    """The one route. Safe to send again: what is known already is counted and changes nothing."""
    router = APIRouter(tags=["receipts"])

    @router.post(
        "/v1/receipts", dependencies=[signed(secrets)], openapi_extra=body_of(ReceiptsSent, batch=EXAMPLE)
    )
    async def receipts(request: Request) -> Response:
        """How many receipts meant what; `unknown` are those about no message of ours."""
        sent = parse(ReceiptsSent, await request.body())
        return await taken(take, [Receipt(one.id, one.channel, one.status) for one in sent.receipts])

    return router


async def taken(take: Take, receipts: Sequence[Receipt], **more: int) -> Response:
    """The answer to a gateway, in whatever form it told them. Raises Problem 503 when it is to tell them again."""
    counts = await ready(take(receipts))
    return fast_json(200, {meaning: counts.get(meaning, 0) for meaning in MEANINGS} | more)


async def ready(work: Awaitable[T]) -> T:
    """What the work comes to. Raises Problem 503 where the failure passes by itself."""
    try:
        return await work
    except Exception as failure:
        if not is_transient(failure):
            raise
        raise Problem(503, "not_ready", "Please send it again.", headers={"retry-after": "1"}) from None
