"""WhatsApp by the Cloud API of its Business Platform: approved templates only, no media, one message a call.

`POST <url>/messages`; what a template says is approved before, so only the values in it leave us. The API takes no
idempotency key: a call without an answer may have been heard, and is never repeated.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import aiohttp
import orjson

from services.notifications.domain.addresses import Reserved, refusal
from services.notifications.domain.outcomes import Accepted, NotTaken, Outcome, Rejected, Unclear
from services.notifications.gateways.outgoing import Outgoing

# All that a sender hands over at once, four chunks of ten: what waited here for its turn would leave long after it was
# last looked at, and reach somebody who has stopped every message meanwhile.
CALLS_AT_ONCE = 40
# Refused as a whole and for now: our token, our limits, or a busy platform. The other 4xx are about this message.
NOTHING_TAKEN = frozenset({401, 403, 404, 429, 503})


class WhatsAppGateway:
    """`reserved` is None in production only; elsewhere every number that is not on the list is refused here."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, token: str, reserved: Reserved | None
    ) -> None:
        self._session = session
        self._url = f"{url}/messages"
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._reserved = reserved
        self._calls = asyncio.Semaphore(CALLS_AT_ONCE)

    async def send(self, messages: Sequence[Outgoing]) -> dict[UUID, Outcome]:
        """An outcome for every message; never raises for one that could not be sent."""
        answers = await asyncio.gather(*(self._send_one(message) for message in messages))
        return {message.id: outcome for message, outcome in zip(messages, answers, strict=True)}

    async def _send_one(self, message: Outgoing) -> Outcome:
        reason = refusal("whatsapp", message.to, self._reserved)
        if reason:
            return Rejected(reason)
        body = orjson.dumps(_template_message(message))
        try:
            async with self._calls, self._session.post(self._url, data=body, headers=self._headers) as answer:
                return _outcome(answer.status, await answer.read())
        except aiohttp.ClientConnectorError:
            return NotTaken("whatsapp_away")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError, TypeError, LookupError):
            return Unclear("whatsapp_silent")


def called(message_id: str) -> str:
    """What we call a message that the platform calls so: its own ids have the number of whoever gets it inside."""
    return hashlib.blake2b(message_id.encode(), digest_size=16, person=b"whatsapp").hexdigest()


def _template_message(message: Outgoing) -> dict[str, Any]:
    """The id comes back with every word about the message (`biz_opaque_callback_data`)."""
    language, _, script = message.language.partition("-")
    parameters = [{"type": "text", "text": value} for value in message.values]
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": message.to.removeprefix("+"),
        "type": "template",
        "template": {
            # The platform knows no script beside a language: what is written in another one is another template.
            "name": f"{message.template}_{script.lower()}" if script else message.template,
            "language": {"code": language},
            "components": [{"type": "body", "parameters": parameters}] if parameters else [],
        },
        "biz_opaque_callback_data": str(message.id),
    }


def _outcome(status: int, content: bytes) -> Outcome:
    """The platform's own reason is not kept: it may quote a number."""
    if status == 200:
        return Accepted(called(str(orjson.loads(content)["messages"][0]["id"])))
    if status in NOTHING_TAKEN:
        return NotTaken("whatsapp_busy" if status in (429, 503) else "whatsapp_refuses")
    return Rejected("whatsapp_rejected") if 400 <= status < 500 else Unclear("whatsapp_fault")
