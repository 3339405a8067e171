"""What the tests of staff news do: numbers, a sender, and what has come by SMS."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import aiohttp

from services.notifications.gateways.sms import SmsGateway
from services.notifications.handlers import telling_staff_too
from services.notifications.handlers.telling_staff import StaffNews
from services.notifications.sender.staff import StaffSender
from services.notifications.templates import load_language, load_reserved, load_staff_rules
from tests.notifications.facts import Desk, a_booking
from tests.notifications.outside import OutsideWorld
from tests.waiting import PATIENCE

THERAPIST, OTHER, SITE = uuid4(), uuid4(), uuid4()
NUMBERS = {THERAPIST: "+923990000021", OTHER: "+923990000022", SITE: "+923990000023"}
QUARTER = timedelta(minutes=15)
RULES = load_staff_rules()


def give_numbers(desk: Desk) -> None:
    """From here on staff are told."""
    desk.handlers = telling_staff_too(StaffNews(NUMBERS.keys(), RULES))


@asynccontextmanager
async def telling(desk: Desk, url: str, numbers: dict[UUID, str] = NUMBERS) -> AsyncIterator[StaffSender]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as session:
        gateway = SmsGateway(session, url, load_reserved())
        yield StaffSender(desk.database, gateway, load_language("en"), numbers, 12, RULES)


async def told(desk: Desk, outside: OutsideWorld, after: timedelta = QUARTER) -> list[tuple[str, str]]:
    """(number, text) of what has come once so much time has gone by."""
    desk.now += after
    before = len(outside.received("sms"))
    async with telling(desk, outside.url) as sender:
        while await sender.tell_once():
            pass
    return [(one["to"], one["text"]) for one in outside.received("sms")[before:]]


async def news(desk: Desk) -> list[tuple[Any, ...]]:
    rows = await desk.pool.fetch(
        "SELECT purpose, state, reason FROM staff_news ORDER BY noted_at, version, purpose"
    )
    return [tuple(row) for row in rows]


def bookings(count: int, therapist: UUID = THERAPIST, **changes: Any) -> Sequence[Any]:
    return [a_booking(uuid4(), therapist_id=therapist, **changes) for _ in range(count)]


def again(booking: Any, version: int) -> Any:
    """The same hour said as booked once more: it was confirmed, or has its lost day again."""
    return a_booking(uuid4(), **booking.model_dump(exclude={"previous_start"}) | {"version": version})
