"""How soon an alarm lies before the duty desk while far too many ask: from the request to its row in GET /v1/alarms.

The flood (benchmarks/flood.py) is 64 connections that never pause and files back to back. Meanwhile people in danger press "help", or answer
the questions at the front door as everybody does, half of them each; each tries once, and again only as it is told.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain
from subprocess import PIPE
from typing import Any
from uuid import UUID

import orjson

from benchmarks import world
from benchmarks.stages import watched
from deploy.local.stack import Stack
from shared.web import pack_cursor
from simulation import asking
from simulation.http_client import Address, Connection, connection
from simulation.http_wire import Answer, Unanswered, prepare
from simulation.population import Person
from simulation.seeding import Badges
from simulation.timing import percentile

IN_DANGER, PER_SECOND = 1000, 20.0
WAYS = HELP, FRONT_DOOR = "help", "front door"
ANSWER_WITHIN, SEEN_WITHIN, LOOK_SECONDS = 1.0, 30.0, 0.005
NORMAL, SETTLED_WITHIN, STAGE_SECONDS = (
    500,
    600.0,
    0.5,
)  # events that wait at the longest queue: two seconds of work
NOT_TO_BE = {"answers": {"phq9": [1, 0, 0, 1, 0, 0, 0, 0, 3]}}  # the ninth question alone raises the alarm
MARGIN = timedelta(seconds=1)
NOBODY = UUID(int=0)
SEED = 2


@dataclass(slots=True)
class Seen:
    """Seconds to the first answer and to the row at the desk, by the way it came; what went wrong, each counted once."""

    answered: dict[str, list[float]] = field(default_factory=lambda: {way: [] for way in WAYS})
    at_desk: dict[str, list[float]] = field(default_factory=lambda: {way: [] for way in WAYS})
    again: int = 0
    without_lines: int = 0
    never: int = 0


@dataclass(slots=True)
class Desk:
    """The list as a clinician reads it, again and again. `after` is how long after the alarm somebody has to be on it, by the way
    it came; `awaited` who is looked for: by code, how they came, when they asked, and when they were seen (both Unix time)."""

    address: Address
    token: str
    after: dict[str, timedelta] = field(default_factory=dict)
    awaited: dict[str, tuple[str, float, asyncio.Future[float]]] = field(default_factory=dict)

    async def find(self, way: str, code: str, asked_at: float) -> float | None:
        """When the alarm of this case was seen in the list; None when it never was."""
        seen: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.awaited[code] = (way, asked_at, seen)
        try:
            return await asyncio.wait_for(seen, SEEN_WITHIN)
        except TimeoutError:
            return None
        finally:
            del self.awaited[code]

    async def read_on(self) -> None:
        """Without end."""
        async with connection(self.address) as own:
            while True:
                for way in WAYS:
                    if dues := [self._due(one) for one in self.awaited.values() if one[0] == way]:
                        await self._read(own, min(dues), max(dues) + 2 * MARGIN)
                await asyncio.sleep(LOOK_SECONDS)

    def _due(self, awaited: tuple[str, float, asyncio.Future[float]]) -> datetime:
        """From where in the list it can be; the list is in the order in which somebody has to be on it."""
        way, asked_at, _ = awaited
        if way not in self.after:
            return datetime(2000, 1, 1, tzinfo=UTC)
        return datetime.fromtimestamp(asked_at, UTC) + self.after[way] - MARGIN

    async def _read(self, own: Connection, start: datetime, end: datetime) -> None:
        """As far as the end: what has more time, those of the flood among it, is not what anybody waits for."""
        headers = {"authorization": f"Bearer {self.token}"}
        cursor: str | None = pack_cursor(start.isoformat(), str(NOBODY))
        while cursor:
            path = f"/v1/alarms?limit=200&cursor={cursor}"
            answer = await own.insist(prepare("GET", path, self.address.name, b"", headers))
            page = orjson.loads(answer.body)
            for row in page["alarms"]:
                self._note(row)
            last = page["alarms"][-1]["due_by"] if page["alarms"] else None
            cursor = page["next"] if last and datetime.fromisoformat(last) <= end else None

    def _note(self, row: Mapping[str, Any]) -> None:
        way, _, seen = self.awaited.get(row["case_code"], ("", 0.0, None))
        if seen is not None and not seen.done():
            due, raised = (datetime.fromisoformat(row[name]) for name in ("due_by", "raised_at"))
            self.after[way] = due - raised
            seen.set_result(time.time())


async def measure(stack: Stack, in_danger: int = IN_DANGER) -> dict[str, Any]:
    """On a stack with care in it."""
    badges = Badges.of(stack.folder / "secrets", now=time.time())
    desk = Desk(Address.of(stack.addresses["intake-crisis"]), badges.staff("duty_clinician"))
    reading = asyncio.create_task(desk.read_on())
    seen, [first, second, *people] = Seen(), world.askers(SEED, in_danger + 2)
    for person in (first, second):  # learns how the list is ordered, while nobody else asks
        await _in_danger(stack, desk, person, Seen())
    async with _flood(stack, badges) as flooded:
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for place, person in enumerate(people):
                await asyncio.sleep(began + place / PER_SECOND - time.monotonic())
                group.create_task(_in_danger(stack, desk, person, seen))
    reading.cancel()
    async with watched(stack.addresses["database"], stack.addresses["kafka"]) as stages:
        settled = await stages.calm(SETTLED_WITHIN, most=NORMAL)
    answers = list(chain.from_iterable(seen.answered.values()))
    at_desk = list(chain.from_iterable(seen.at_desk.values()))
    return {
        "in_danger": in_danger,
        "flood_accepted": flooded,
        "settled_s": round(settled, 1),
        "late_answers": sum(one > ANSWER_WITHIN for one in answers),
        "without_lines": seen.without_lines,
        "told_to_come_again": seen.again,
        "at_desk": len(at_desk),
        "never_at_desk": seen.never,
        "alarm_p99_ms": _ms(at_desk, 0.99),
        "first_answer_ms": {
            way: [_ms(waits, at) for at in (0.5, 0.99, 1.0)] for way, waits in seen.answered.items()
        },
        "at_desk_ms": {
            way: [_ms(waits, at) for at in (0.5, 0.99, 1.0)] for way, waits in seen.at_desk.items()
        },
    }


def _ms(waits: list[float], share: float) -> float:
    return round(1000 * percentile(sorted(waits), share), 1)


async def _in_danger(stack: Stack, desk: Desk, person: Person, seen: Seen) -> None:
    way = HELP if person.number % 2 else FRONT_DOOR
    request, address = _request(stack, way, person)
    async with connection(address) as own:
        asked_at = time.time()
        answer = await _first(own, request, seen)
        seen.answered[way].append(time.time() - asked_at)
        if answer is None or answer.status != 202:
            seen.again += 1
            with suppress(Unanswered):
                answer = await own.insist(request)
    code = orjson.loads(answer.body).get("case_code") if answer is not None else None
    at = await desk.find(way, code, asked_at) if code else None
    if at is None:
        seen.never += 1
    else:
        seen.at_desk[way].append(at - asked_at)


async def _first(own: Connection, request: bytes, seen: Seen) -> Answer | None:
    try:
        answer = await own.ask(request)
    except Unanswered:
        answer = None
    lines = orjson.loads(answer.body).get("crisis", {}).get("lines") if answer is not None else None
    seen.without_lines += not lines
    return answer


def _request(stack: Stack, way: str, person: Person) -> tuple[bytes, Address]:
    key = {"idempotency-key": f"danger-{person.number}"}
    if way == HELP:
        address, contact = (
            Address.of(stack.addresses["intake-crisis"]),
            f"+92399{person.number % 10_000_000:07}",
        )
        body = {"province": person.body["province"], "contact": {"channel": "sms", "address": contact}}
        return prepare("POST", "/v1/crisis/help", address.name, orjson.dumps(body), key), address
    address = Address.of(stack.addresses["intake"])
    return prepare("POST", asking.PATH, address.name, orjson.dumps(person.body | NOT_TO_BE), key), address


@asynccontextmanager
async def _flood(stack: Stack, badges: Badges) -> AsyncIterator[dict[str, int]]:
    """While it is entered; at the end how many it got accepted, alone and in files. A process of its own, so that nobody who is measured waits for it."""
    accepted: dict[str, int] = {}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.flood", stack.addresses["intake"], stdin=PIPE, stdout=PIPE
    )
    assert process.stdin is not None and process.stdout is not None  # noqa: PT018 - pipes were asked for
    process.stdin.write(badges.staff("coordinator").encode() + b"\n")
    await process.stdout.readline()  # it makes its people first
    try:
        yield accepted
    finally:
        process.stdin.close()
        said, _ = await process.communicate()
        accepted.update(orjson.loads(said))
