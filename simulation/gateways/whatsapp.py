"""WhatsApp's end: template messages in the form of the Cloud API, one a call. It does not know one that comes again."""

import time
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from simulation.gateways.sink import Sink
from simulation.gateways.sms import RESERVED_PREFIX
from simulation.gateways.trouble import Trouble

OUT_OF_ORDER = 131000  # the platform's code for a fault of its own
UNDELIVERABLE = 131026  # the platform's code for a number that cannot be reached


class WhatsAppPlatform:
    """Takes synthetic numbers only, as a test account would, and nothing but templates with texts in them. Any token is a
    good one, also an empty one: outside production there may be none."""

    def __init__(self, folder: Path) -> None:
        self.sink = Sink(folder / "whatsapp.jsonl")
        self.received = len(self.sink.ids)
        self.trouble = Trouble()

    def routes(self) -> list[web.RouteDef]:
        """What the outside world sees; the path begins as the real one's does, with a version and a number's id."""
        take = self.trouble.around(self.take, lambda: _refused(500, OUT_OF_ORDER))
        return [web.post("/whatsapp/{version}/{number_id}/messages", take)]

    async def take(self, request: web.Request) -> web.Response:
        """POST …/messages {messaging_product, to, type: template, template} -> {contacts, messages: [{id}]}."""
        if not request.headers.get("Authorization", "").startswith("Bearer"):
            return _refused(401, 190)
        try:
            line = _read(await request.read())
        except (ValueError, KeyError, TypeError, LookupError):
            return _refused(400, 100)
        if not line["to"].startswith(RESERVED_PREFIX):
            return _refused(400, UNDELIVERABLE)
        self.received += 1
        self.sink.remember(line["id"])
        await self.sink.append([line | {"received_at": time.time()}])
        number = line["to"].removeprefix("+")
        return _json(
            200,
            {
                "messaging_product": "whatsapp",
                "contacts": [{"input": number, "wa_id": number}],
                "messages": [{"id": f"wamid.sim{self.received}", "message_status": "accepted"}],
            },
        )


def _read(body: bytes) -> dict[str, Any]:
    """What is kept of a call; raises for anything that is no template message of texts."""
    content = orjson.loads(body)
    template = content["template"]
    if content["messaging_product"] != "whatsapp" or content["type"] != "template":
        raise ValueError("only templates")
    parameters = [
        one for part in template["components"] if part["type"] == "body" for one in part["parameters"]
    ]
    if any(one["type"] != "text" for one in parameters):
        raise ValueError("only texts")
    return {
        "id": str(content["biz_opaque_callback_data"]),
        "to": f"+{content['to']}",
        "text": " | ".join([template["name"], *(one["text"] for one in parameters)]),
        "language": template["language"]["code"],
    }


def _refused(status: int, code: int) -> web.Response:
    return _json(status, {"error": {"message": "refused", "type": "OAuthException", "code": code}})


def _json(status: int, content: dict[str, Any]) -> web.Response:
    return web.Response(body=orjson.dumps(content), status=status, content_type="application/json")
