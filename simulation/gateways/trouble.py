"""Trouble at one of the outside world's ends, asked for over HTTP, for so many seconds: what gateways do on bad days."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, TypeVar

import orjson
from aiohttp import web

P = ParamSpec("P")
A = TypeVar("A")

# slow: takes its time before it acts; fails: says that it cannot, and takes nothing; silent: takes it, and says so when
# nobody waits any more.
KINDS = ("slow", "fails", "silent")
SLOW_SECONDS, SILENT_SECONDS = 2.0, 6.0  # below and above the time that a sender waits for an answer
LONGEST_SECONDS = 300.0


class Trouble:
    """One end's trouble. `met` counts the calls that ran into it, by kind."""

    def __init__(self) -> None:
        self.met = dict.fromkeys(KINDS, 0)
        self._kind, self._until = "", 0.0

    def begin(self, kind: str, seconds: float) -> None:
        """Replaces the one before; zero seconds end it."""
        self._kind, self._until = kind, time.monotonic() + seconds

    def around(self, take: Callable[P, Awaitable[A]], refuse: Callable[[], A]) -> Callable[P, Awaitable[A]]:
        """The same end with its trouble; `refuse` is its way of saying that it cannot."""

        async def troubled(*what: P.args, **named: P.kwargs) -> A:
            kind = self._kind if time.monotonic() < self._until else ""
            if kind:
                self.met[kind] += 1
            if kind == "slow":
                await asyncio.sleep(SLOW_SECONDS)
            if kind == "fails":
                return refuse()
            answer = await take(*what, **named)
            if kind == "silent":
                await asyncio.sleep(SILENT_SECONDS)
            return answer

        return troubled


def trouble_routes(ends: dict[str, Trouble]) -> list[web.RouteDef]:
    """POST /v1/trouble/{end} {"kind", "seconds"} begins it; GET tells how many calls met it."""

    async def begin(request: web.Request) -> web.Response:
        try:
            kind, seconds = _read(await request.read())
            ends[request.match_info["end"]].begin(kind, seconds)
        except (KeyError, ValueError, TypeError):
            return _json({"error": f"an end of {sorted(ends)}, a kind of {KINDS}, seconds"}, status=422)
        return await met(request)

    async def met(_request: web.Request) -> web.Response:
        return _json({end: trouble.met for end, trouble in ends.items()})

    return [web.post("/v1/trouble/{end}", begin), web.get("/v1/trouble", met)]


def _read(body: bytes) -> tuple[str, float]:
    content = orjson.loads(body)
    kind, seconds = content["kind"], float(content["seconds"])
    if kind not in KINDS or not 0 <= seconds <= LONGEST_SECONDS:
        raise ValueError(kind)
    return kind, seconds


def _json(content: dict[str, Any], *, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(content), status=status, content_type="application/json")
