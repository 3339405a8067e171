"""The SMS gateway: up to 100 messages a call, an answer each; one id is received once, however often it is sent."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from simulation.gateways.sink import Sink
from simulation.gateways.trouble import Trouble

MOST_PER_CALL = 100
RESERVED_PREFIX = "+92399"


class SmsGateway:
    """Accepts synthetic numbers only, as an operator's test account would."""

    def __init__(self, folder: Path) -> None:
        self.sink = Sink(folder / "sms.jsonl")
        self.trouble = Trouble()
        self.calls = self.repeated = self.rejected = 0

    def routes(self) -> list[web.RouteDef]:
        """What the outside world sees."""
        return [
            web.post("/v1/messages", self.trouble.around(self.take, _cannot)),
            web.get("/v1/stats", self.stats),
            web.get("/livez", self.stats),
        ]

    async def take(self, request: web.Request) -> web.Response:
        """POST /v1/messages {"messages": [{id, to, text}]} -> {"results": [{id, gateway_id, status}]}."""
        try:
            messages = _read(await request.read())
        except ValueError as problem:
            return _json({"error": str(problem)}, status=400)
        if len(messages) > MOST_PER_CALL:
            return _json({"error": f"more than {MOST_PER_CALL} messages"}, status=413)
        self.calls += 1
        accepted = [m for m in messages if m["to"].startswith(RESERVED_PREFIX)]
        fresh = {m["id"]: m for m in accepted if m["id"] not in self.sink.ids}
        self.rejected += len(messages) - len(accepted)
        self.repeated += len(accepted) - len(fresh)
        await self._receive(list(fresh.values()))
        return _json({"results": [self._result(m) for m in messages]})

    async def _receive(self, fresh: Sequence[dict[str, Any]]) -> None:
        """Ids are remembered before the write, so that the same id in a concurrent call is not fresh there;
        that call is answered after the write all the same."""
        for message in fresh:
            self.sink.remember(message["id"])
        now = time.time()
        lines = [{"id": m["id"], "to": m["to"], "text": m["text"], "received_at": now} for m in fresh]
        await self.sink.append(lines)
        await self.sink.settled()

    async def stats(self, _request: web.Request) -> web.Response:
        """How much came, and how often an id came again."""
        counts = {"accepted": len(self.sink.ids), "repeated": self.repeated, "rejected": self.rejected}
        return _json(counts | {"calls": self.calls})

    def _result(self, message: dict[str, Any]) -> dict[str, Any]:
        number = self.sink.ids.get(message["id"])
        if number is None:
            return {"id": message["id"], "gateway_id": None, "status": "rejected", "reason": "unknown_number"}
        return {"id": message["id"], "gateway_id": f"sim-{number}", "status": "accepted"}


def _cannot() -> web.Response:
    return _json({"error": "out of order"}, status=500)


def _read(body: bytes) -> Sequence[dict[str, Any]]:
    content = orjson.loads(body)
    messages = content.get("messages") if isinstance(content, dict) else None
    if not isinstance(messages, list) or not all(_is_message(one) for one in messages):
        raise ValueError("messages must be a list of {id, to, text}")
    return messages


def _is_message(one: Any) -> bool:
    return isinstance(one, dict) and all(isinstance(one.get(name), str) for name in ("id", "to", "text"))


def _json(content: dict[str, Any], *, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(content), status=status, content_type="application/json")
