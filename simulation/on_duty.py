"""The duty desk: one clinician takes the alarms that are due first, calls, and closes them in their own name.

One alarm a second, which is still far faster than anybody speaks; so most alarms of a run stay open, and are paged until
somebody has them.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import orjson

from simulation.http_client import Address, Connection, connection
from simulation.http_wire import Answer, Unanswered, prepare

EVERY_SECONDS = 1.0
AT_ONCE = 1
CALLS = ("no_answer", "reached")  # the second try mostly reaches them
CLOSING = {"outcome": "reached_and_safe", "reason": "Spoke by telephone; knows whom to call."}


@asynccontextmanager
async def meanwhile(desk: Address, token: str) -> AsyncIterator[None]:
    """Somebody is on duty until it is left; the alarm in hand is finished first. Raises what went wrong."""
    over = asyncio.Event()
    working = asyncio.create_task(take_alarms(desk, token, over))
    try:
        yield
    finally:
        over.set()
        await working


async def take_alarms(desk: Address, token: str, over: asyncio.Event) -> None:
    """Looks, takes, calls and closes until it is over."""
    async with connection(desk) as own:
        clinician = Clinician(desk, own, token)
        while not over.is_set():
            for alarm_id in await clinician.look():
                if not over.is_set():
                    await clinician.see_to(alarm_id)
            try:
                await asyncio.wait_for(over.wait(), EVERY_SECONDS)
            except TimeoutError:
                continue


class Clinician:
    """One named human at the desk; `token` says who."""

    def __init__(self, desk: Address, own: Connection, token: str) -> None:
        self._desk = desk
        self._own = own
        self._headers = {"authorization": f"Bearer {token}"}

    async def look(self) -> list[str]:
        """The ids of the alarms nobody has, the first due first; none while the desk cannot be reached."""
        try:
            answer = await self._send("GET", f"/v1/alarms?state=unacknowledged&limit={AT_ONCE}")
        except Unanswered:
            return []
        return (
            [one["alarm_id"] for one in orjson.loads(answer.body)["alarms"]] if answer.status == 200 else []
        )

    async def see_to(self, alarm_id: str) -> None:
        """Takes it, calls until the person is reached, closes it; each step may be sent twice."""
        path = f"/v1/alarms/{alarm_id}"
        try:
            if (await self._send("POST", f"{path}/acknowledge")).status != 200:
                return
            for outcome in CALLS:
                await self._send("POST", f"{path}/attempts", {"outcome": outcome}, key=uuid4().hex)
            await self._send("POST", f"{path}/close", CLOSING)
        except Unanswered:
            return

    async def _send(
        self, method: str, path: str, body: dict[str, str] | None = None, key: str | None = None
    ) -> Answer:
        headers = self._headers | ({"idempotency-key": key} if key else {})
        content = orjson.dumps(body) if body is not None else b""
        return await self._own.insist(prepare(method, path, self._desk.name, content, headers))
