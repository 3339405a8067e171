"""People who wished to choose come back with code and PIN, look at their offer, and take the first who has a place.

As a frontend would: a session, the case, the link to the offer, one decision under one key; in between it lets itself be
told when the case moves. Whoever is offered again, because the chosen one had no hour, chooses again.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from simulation.http_client import Address, Connection, connection
from simulation.http_wire import Answer, Unanswered, prepare

CONNECTIONS = 16  # whoever waits to be told costs next to nothing
LOOK_SECONDS = 0.1
NEWS_SECONDS = 5  # how long one question for news may be left open; below the connection's own patience
PATIENCE = 60.0
UNDECIDED = ("matching", "offered")


class Chooser(NamedTuple):
    """Somebody who has asked and wishes to choose."""

    code: str
    pin: str


@dataclass(frozen=True, slots=True)
class Desks:
    """Where people come back to, and where they choose."""

    intake: Address
    matching: Address


async def choose(desks: Desks, choosers: list[Chooser], *, more: Callable[[], bool]) -> None:
    """Serves whoever is in `choosers`, and whoever is put there while there may be `more`."""

    async def serve() -> None:
        async with connection(desks.intake) as intake, connection(desks.matching) as matching:
            while choosers or more():
                if choosers:
                    await _decide(Visit(desks, intake, matching), choosers.pop(0))
                else:
                    await asyncio.sleep(LOOK_SECONDS)

    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(serve())


@dataclass(slots=True)
class Visit:
    """One person's way through two services."""

    desks: Desks
    intake: Connection
    matching: Connection
    token: str = ""

    async def come_back(self, chooser: Chooser) -> None:
        """Begins a session."""
        body = orjson.dumps({"case_code": chooser.code, "pin": chooser.pin})
        answer = await self.intake.insist(prepare("POST", "/v1/sessions", self.desks.intake.name, body))
        self.token = orjson.loads(answer.body)["token"]

    async def case(self, chooser: Chooser, seen: int | None = None) -> dict[str, Any]:
        """How the case stands; after version `seen` when it has moved on, or nothing has happened for a while."""
        news = "" if seen is None else f"?after_version={seen}&wait={NEWS_SECONDS}"
        path = f"/v1/cases/{chooser.code}{news}"
        answer = await self.intake.insist(prepare("GET", path, self.desks.intake.name, b"", self._known()))
        return _content(answer)

    async def offer(self, path: str) -> dict[str, Any]:
        """What there is to choose from."""
        answer = await self.matching.insist(
            prepare("GET", path, self.desks.matching.name, b"", self._known())
        )
        return _content(answer)

    async def say(self, path: str, key: str, body: dict[str, Any]) -> bool:
        """Whether a decision counts; the same key says it once, however often it has to be sent."""
        headers = self._known() | {"idempotency-key": key}
        request = prepare("POST", path, self.desks.matching.name, orjson.dumps(body), headers)
        return (await self.matching.insist(request)).status == 200

    def _known(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}


async def _decide(visit: Visit, chooser: Chooser) -> None:
    """Until the case has an outcome, or patience is over: then the offer stands open, and is counted so."""
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE
    try:
        await visit.come_back(chooser)
        stands = await visit.case(chooser)
        while stands.get("state") in UNDECIDED and loop.time() < until:
            if path := stands["links"].get("choose"):
                await _take(visit, path)
            stands = await visit.case(chooser, stands["version"])
    except (Unanswered, KeyError, ValueError):
        return


async def _take(visit: Visit, path: str) -> None:
    """The first option that can be had; none of them where all are gone."""
    offer = await visit.offer(path)
    if offer.get("state") != "open":
        return
    for option in offer["options"]:
        chosen = {"option_id": option["option_id"]}
        if option["available"] and await visit.say(
            offer["links"]["accept"], f"take-{option['option_id']}", chosen
        ):
            return
    await visit.say(offer["links"]["decline"], f"none-{offer['match_id']}", {"reason": "none_suits"})


def _content(answer: Answer) -> dict[str, Any]:
    content: dict[str, Any] = orjson.loads(answer.body) if answer.status == 200 else {}
    return content
