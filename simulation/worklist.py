"""Coordinators: one sends therapists on leave, and sees to what stands on the worklist, by name: also to calls.

As their frontends would: the open tasks, those due first; taken with the version that was seen, done with what came of it.
At a pace that one human could hold.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from simulation.http_client import Address, Connection, connection
from simulation.http_wire import Answer, Unanswered, prepare

EVERY_SECONDS = 0.3
AT_ONCE = 3
# What they do themselves: they ring the people. Papers are for somebody else to see.
OUTCOMES: Mapping[str, tuple[str, ...]] = {
    "hour": ("told", "told", "not_reached"),
    "displaced": ("told", "not_reached"),
    "tell_by_hand": ("told", "told", "not_reached"),
    # Who is not reached in time is told nothing, which the run's sums would count as a failure.
    "call_person": ("reached",),
}
LEAVE_BEGINS, LEAVE_DAYS = timedelta(days=1), 5


@asynccontextmanager
async def meanwhile(console: Address, notifications: Address, token: str) -> AsyncIterator[None]:
    """Somebody sees to the worklist until it is left; the task in hand is finished first. Raises what went wrong."""
    over = asyncio.Event()
    working = asyncio.create_task(see_to_tasks(console, notifications, token, over))
    try:
        yield
    finally:
        over.set()
        await working


async def see_to_tasks(console: Address, notifications: Address, token: str, over: asyncio.Event) -> None:
    """Looks, takes, rings and says what came of it until it is over."""
    async with connection(console) as own, connection(notifications) as other:
        numbers = Coordinator(notifications, other, token)
        coordinator = Coordinator(console, own, token, numbers)
        while not over.is_set():
            for task in await coordinator.look():
                if not over.is_set():
                    await coordinator.see_to(task)
            try:
                await asyncio.wait_for(over.wait(), EVERY_SECONDS)
            except TimeoutError:
                continue


async def send_on_leave(matching: Address, token: str, therapists: Iterable[str], today: datetime) -> None:
    """From midnight on for some days; `today` is local wall time. The same again changes nothing."""
    begins = today.replace(hour=0, minute=0, second=0, microsecond=0) + LEAVE_BEGINS
    leave = {
        "from": begins.isoformat(),
        "until": (begins + timedelta(days=LEAVE_DAYS)).isoformat(),
        "reason": "leave",
    }
    async with connection(matching) as own:
        coordinator = Coordinator(matching, own, token)
        for therapist_id in therapists:
            await coordinator.send("POST", f"/v1/therapists/{therapist_id}/suspend", leave)


@dataclass(slots=True)
class Coordinator:
    """One named human at one service; `token` says who."""

    where: Address
    own: Connection
    token: str
    numbers: "Coordinator | None" = None
    rung: int = 0

    async def look(self) -> list[dict[str, Any]]:
        """What nobody has taken and they can see to, the first due first; nothing while the list cannot be reached."""
        try:
            answer = await self.send("GET", f"/v1/tasks?queue=coordinator&state=open&limit={AT_ONCE}")
        except Unanswered:
            return []
        tasks = orjson.loads(answer.body)["tasks"] if answer.status == 200 else []
        return [task for task in tasks if task["kind"] in OUTCOMES and task["outcomes"]]

    async def see_to(self, task: Mapping[str, Any]) -> None:
        """Takes it, rings, says what came of it; each step may be sent twice. What somebody else has is theirs."""
        path, outcomes = f"/v1/tasks/{task['task_id']}", OUTCOMES[task["kind"]]
        try:
            taken = await self.send("POST", f"{path}/claim", {}, seen=f'"{task["version"]}"')
            if taken.status != 200 or not await self._rings(task):
                return
            said = {"outcome": outcomes[self.rung % len(outcomes)]}
            self.rung += 1
            await self.send("POST", f"{path}/done", said, seen=taken.header("etag") or "")
        except Unanswered:
            return

    async def _rings(self, task: Mapping[str, Any]) -> bool:
        """Whether somebody can be rung: who named a call is rung at their number, which is read for it."""
        if task["kind"] != "call_person" or self.numbers is None:
            return True
        answer = await self.numbers.send("GET", f"/v1/calls/{task['task_id']}")
        return answer.status == 200 and orjson.loads(answer.body)["contact"] is not None

    async def send(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, seen: str = ""
    ) -> Answer:
        """One request, as often as it takes."""
        content = orjson.dumps(body) if body is not None else b""
        headers = {"authorization": f"Bearer {self.token}"} | ({"if-match": seen} if seen else {})
        return await self.own.insist(prepare(method, path, self.where.name, content, headers))
