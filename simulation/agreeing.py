"""Guardians read the message that asks for their agreement, and most of them answer, with the code and PIN in it.

As a person would: what they know is what reached their phone or mailbox, and nothing else.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from simulation.gateways.sink import whole_lines_from
from simulation.http_client import Address, Connection, connection
from simulation.http_wire import Unanswered, prepare

LOOK_SECONDS = 0.2
SINKS = ("sms.jsonl", "mail.jsonl")
ASKED = re.compile(r"([0-9A-Z]{5}-[0-9A-Z]{5}).*?PIN (\d{6})", re.DOTALL)
AGREE = {"care": True, "contact": True, "text_version": "2026-01"}


@dataclass(slots=True)
class Household:
    """The guardians of a run: by address whether they agree, None for whoever does not answer. `places` are how far
    each sink has been read, so that what came before the run is left alone; `read` counts the messages that were."""

    answers: Mapping[str, bool | None]
    sinks: Path
    places: dict[str, int] = field(default_factory=dict)
    read: int = 0

    def __post_init__(self) -> None:
        for name in SINKS:
            file = self.sinks / name
            self.places[name] = os.path.getsize(file) if file.exists() else 0

    def news(self) -> list[tuple[str, str, str]]:
        """(address, code, PIN) of what came since the last look."""
        return [
            (line["to"], *found.groups())
            for name in SINKS
            for line in self._lines(name)
            if line["to"] in self.answers and (found := ASKED.search(line["text"]))
        ]

    def _lines(self, name: str) -> list[dict[str, Any]]:
        lines, self.places[name] = whole_lines_from(self.sinks / name, self.places[name], having=b"PIN ")
        return lines


@asynccontextmanager
async def meanwhile(intake: Address, household: Household) -> AsyncIterator[None]:
    """Guardians read and answer until it is left. Raises what went wrong with them."""
    answering = asyncio.create_task(agree(intake, household))
    try:
        yield
    finally:
        if not answering.cancel():
            answering.result()


async def agree(intake: Address, household: Household) -> None:
    """Reads and answers until it is cancelled."""
    async with connection(intake) as own:
        while True:
            for address, code, pin in await asyncio.to_thread(household.news):
                if (answer := household.answers[address]) is not None:
                    await _answer(own, intake, f"/v1/invitations/{code}", pin, agrees=answer)
                household.read += 1
            await asyncio.sleep(LOOK_SECONDS)


async def _answer(own: Connection, intake: Address, path: str, pin: str, *, agrees: bool) -> None:
    body: dict[str, Any] = {"pin": pin} | ({"consent": AGREE} if agrees else {})
    way = "accept" if agrees else "decline"
    try:
        await own.insist(prepare("POST", f"{path}/{way}", intake.name, orjson.dumps(body)))
    except Unanswered:
        return
