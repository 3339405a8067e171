"""Coming back with code and PIN: what everybody does who looks at a case again, or changes something about it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import orjson

from simulation.http_client import Address, Connection, connection
from simulation.http_wire import Answer, prepare

NEWS_SECONDS = 5  # how long one question for news may be left open; below the connection's own patience
UNDECIDED = ("matching", "offered")
CONNECTIONS = 16  # whoever waits to be told costs next to nothing
LOOK_SECONDS = 0.1
PATIENCE = 60.0

Who = TypeVar("Who")
Serve = Callable[[Who, "Visit", Connection], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Desks:
    """Where people come back to, where they choose, and where their hours are changed."""

    intake: Address
    matching: Address
    scheduling: Address


class Returning(NamedTuple):
    """Somebody who has asked, with what they were given."""

    code: str
    pin: str


@dataclass(slots=True)
class Visit:
    """One person's session."""

    intake: Address
    connection: Connection
    token: str = ""

    async def come_back(self, who: Returning) -> None:
        """Begins the session."""
        body = orjson.dumps({"case_code": who.code, "pin": who.pin})
        answer = await self.connection.insist(prepare("POST", "/v1/sessions", self.intake.name, body))
        self.token = orjson.loads(answer.body)["token"]

    async def case(self, who: Returning, seen: int | None = None) -> dict[str, Any]:
        """How the case stands; after version `seen` when it has moved on, or nothing has happened for a while."""
        news = "" if seen is None else f"?after_version={seen}&wait={NEWS_SECONDS}"
        path = f"/v1/cases/{who.code}{news}"
        answer = await self.connection.insist(prepare("GET", path, self.intake.name, b"", self.known()))
        return content(answer)

    async def wish_otherwise(self, who: Returning, wishes: dict[str, Any]) -> None:
        """Changes wishes as they were seen."""
        path = f"/v1/cases/{who.code}"
        seen = await self.connection.insist(
            prepare("GET", f"{path}/wishes", self.intake.name, b"", self.known())
        )
        headers = self.known() | {"if-match": seen.header("etag") or ""}
        await self.connection.insist(prepare("PATCH", path, self.intake.name, orjson.dumps(wishes), headers))

    def known(self) -> dict[str, str]:
        """The headers that say who asks."""
        return {"authorization": f"Bearer {self.token}"}


def content(answer: Answer) -> dict[str, Any]:
    """What a good answer holds; nothing otherwise."""
    found: dict[str, Any] = orjson.loads(answer.body) if answer.status == 200 else {}
    return found


async def serve_all(
    intake: Address, there: Address, queue: list[Who], serve: Serve[Who], *, more: Callable[[], bool]
) -> None:
    """Serves whoever is in `queue`, and whoever is put there while there may be `more`; each with a session at intake and
    a connection to where their business is."""

    async def work() -> None:
        async with connection(intake) as own, connection(there) as desk:
            while queue or more():
                if queue:
                    await serve(queue.pop(0), Visit(intake, own), desk)
                else:
                    await asyncio.sleep(LOOK_SECONDS)

    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(work())
