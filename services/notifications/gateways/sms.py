"""The SMS gateway over HTTP: up to a hundred messages a call, several calls at once, each message answered."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import aiohttp
import orjson

from services.notifications.domain.addresses import Reserved, refusal
from services.notifications.domain.outcomes import Accepted, NotTaken, Outcome, Rejected, Unclear
from services.notifications.gateways.outgoing import Outgoing

MOST_PER_CALL = 100
CALLS_AT_ONCE = 4
# Answered, and nothing was taken: our own mistake (a token, a limit) or a busy gateway.
NOTHING_TAKEN = frozenset({400, 401, 403, 404, 413, 415, 422, 429, 503})


class SmsGateway:
    """`reserved` is None in production only; elsewhere every address that is not on the list is refused here."""

    def __init__(self, session: aiohttp.ClientSession, url: str, reserved: Reserved | None) -> None:
        self._session = session
        self._url = f"{url}/v1/messages"
        self._reserved = reserved
        self._calls = asyncio.Semaphore(CALLS_AT_ONCE)

    async def send(self, messages: Sequence[Outgoing]) -> dict[UUID, Outcome]:
        """An outcome for every message; never raises for one that could not be sent."""
        outcomes: dict[UUID, Outcome] = {}
        fit = []
        for message in messages:
            reason = refusal("sms", message.to, self._reserved)
            if reason:
                outcomes[message.id] = Rejected(reason)
            else:
                fit.append(message)
        calls = [fit[start : start + MOST_PER_CALL] for start in range(0, len(fit), MOST_PER_CALL)]
        for answered in await asyncio.gather(*(self._call(call) for call in calls)):
            outcomes |= answered
        return outcomes

    async def _call(self, messages: Sequence[Outgoing]) -> Mapping[UUID, Outcome]:
        body = orjson.dumps({"messages": [{"id": str(m.id), "to": m.to, "text": m.text} for m in messages]})
        try:
            async with self._calls, self._session.post(self._url, data=body, headers=JSON) as answer:
                content = await answer.read()
                if answer.status == 200:
                    return _read(content, messages)
                taken: Outcome = Unclear("gateway_fault")
                if answer.status in NOTHING_TAKEN:
                    taken = NotTaken("gateway_busy" if answer.status in (429, 503) else "gateway_refuses")
        except aiohttp.ClientConnectorError:
            taken = NotTaken("gateway_away")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError, TypeError, AttributeError):
            taken = Unclear("gateway_silent")
        return dict.fromkeys((m.id for m in messages), taken)


JSON = {"Content-Type": "application/json"}


def _read(content: bytes, messages: Sequence[Outgoing]) -> dict[UUID, Outcome]:
    results = {result["id"]: result for result in orjson.loads(content)["results"]}
    return {m.id: _outcome(results.get(str(m.id))) for m in messages}


def _outcome(result: Mapping[str, Any] | None) -> Outcome:
    """The gateway's own reason is not kept: it may quote a number."""
    status = result.get("status") if result else None
    if result and status == "accepted":
        return Accepted(str(result.get("gateway_id")))
    return Rejected("gateway_rejected") if status == "rejected" else Unclear("gateway_silent")
