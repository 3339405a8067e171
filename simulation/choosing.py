"""People who wished to choose come back with code and PIN, look at their offer, and take the one with whom an hour is
kept for them, or else the first who has a place. One in four would rather speak with the last one, whose hour has to be found;
what was kept for them goes to the next.

As a frontend would: a session, the case, the link to the offer, one decision under one key; in between it lets itself be
told when the case moves. Whoever is offered again, because the chosen one had no hour, chooses again.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from simulation.http_client import Address, Connection
from simulation.http_wire import Unanswered, prepare
from simulation.returning import PATIENCE, UNDECIDED, Desks, Returning, Visit, content, serve_all


async def choose(desks: Desks, choosers: list[Returning], *, more: Callable[[], bool]) -> None:
    """Serves whoever is in `choosers`, and whoever is put there while there may be `more`."""

    async def serve(who: Returning, visit: Visit, matching: Connection) -> None:
        await _decide(visit, Choice(desks.matching, matching, visit), who)

    await serve_all(desks.intake, desks.matching, choosers, serve, more=more)


@dataclass(frozen=True, slots=True)
class Choice:
    """What one person may choose from, as matching shows it."""

    address: Address
    connection: Connection
    visit: Visit

    async def offer(self, path: str) -> dict[str, Any]:
        """What there is to choose from."""
        return content(
            await self.connection.insist(prepare("GET", path, self.address.name, b"", self.visit.known()))
        )

    async def say(self, path: str, key: str, body: dict[str, Any]) -> bool:
        """Whether a decision counts; the same key says it once, however often it has to be sent."""
        headers = self.visit.known() | {"idempotency-key": key}
        request = prepare("POST", path, self.address.name, orjson.dumps(body), headers)
        return (await self.connection.insist(request)).status == 200


async def _decide(visit: Visit, choice: Choice, who: Returning) -> None:
    """Until the case has an outcome, or patience is over: then the offer stands open, and is counted so."""
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE
    try:
        await visit.come_back(who)
        stands = await visit.case(who)
        while stands.get("state") in UNDECIDED and loop.time() < until:
            if path := stands["links"].get("choose"):
                await _take(choice, path, otherwise=_wishes_otherwise(who))
            stands = await visit.case(who, stands["version"])
    except (Unanswered, KeyError, ValueError):
        return


def _wishes_otherwise(who: Returning) -> bool:
    """The same answer for the same person, however often they come back."""
    return sum(who.code.encode()) % 4 == 0


async def _take(choice: Choice, path: str, *, otherwise: bool = False) -> None:
    """The one with an hour, with just that hour, or the first option that can be had (the last, if they wish `otherwise`);
    none of them where all are gone."""
    offer = await choice.offer(path)
    if offer.get("state") != "open":
        return
    accept, options = offer["links"]["accept"], offer["options"][:: -1 if otherwise else 1]
    for option in [] if otherwise else options:
        chosen, hour = {"option_id": option["option_id"]}, option.get("hour")
        if hour and await choice.say(
            accept, f"take-hour-{option['option_id']}", chosen | {"start": hour["start"]}
        ):
            return
    for option in options:
        chosen = {"option_id": option["option_id"]}
        if option["available"] and await choice.say(accept, f"take-{option['option_id']}", chosen):
            return
    await choice.say(offer["links"]["decline"], f"none-{offer['match_id']}", {"reason": "none_suits"})
