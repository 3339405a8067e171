"""What an operator does about dead letters after a fault, on the way that the command line takes."""

import asyncio
import time
from typing import Any

from services.console.commands.asking import asked
from services.console.repository.requests import Wish
from services.console.settings import ConsoleSettings
from shared.messaging.failures import TROUBLE
from tests.faults.subjects import SUBJECTS
from tests.faults.system import System, everywhere

OPEN = "SELECT '{schema}' AS schema, id, grp, failed_at FROM {schema}.dead_letters WHERE state = 'open'"
QUIET_SECONDS, PATIENCE = 2.0, 60.0
BY, WHY = "faults", "the fault that caused it is over"


class Missed(Exception):
    """No event met the fault: there is no dead letter of it."""


class Unsettled(Exception):
    """Dead letters stay open although their cause is gone."""


async def settle_letters(system: System, schema: str, action: str) -> int:
    """Lets stopped consumers of the schema go on (of all for *), and redrives or discards every open letter until none
    has come for a while; returns how many there were. Raises Unsettled where they stay, Missed where there were none."""
    for one in SUBJECTS.values():
        if schema in ("*", one.schema):
            for group in one.groups:
                await _ask(system, Wish(one.schema, group, "resume", {}, BY, WHY))
    settled, quiet, until = 0, time.monotonic(), time.monotonic() + PATIENCE
    while time.monotonic() - quiet < QUIET_SECONDS:
        if time.monotonic() > until:
            raise Unsettled(str([dict(one) for one in await open_letters(system, schema)][:5]))
        for letter in await open_letters(system, schema):
            quiet = time.monotonic()
            target = {"dead_letter": str(letter["id"])}
            answer = await _ask(system, Wish(letter["schema"], letter["grp"], action, target, BY, WHY))
            settled += answer == "done"
        await asyncio.sleep(0.2)
    if not settled:
        raise Missed("no dead letter came of it")
    return settled


async def open_letters(system: System, schema: str = "*") -> list[Any]:
    """The oldest first."""
    async with system.admin() as connection:
        rows = await everywhere(connection, "dead_letters", OPEN)
    return sorted((row for row in rows if schema in ("*", row["schema"])), key=lambda row: row["failed_at"])


async def _ask(system: System, wish: Wish) -> str:
    settings = ConsoleSettings(database_url=system.addresses["database"], answer_seconds=15.0)
    try:
        return str((await asked(settings, wish))["state"])
    except TROUBLE:
        return "unanswered"
