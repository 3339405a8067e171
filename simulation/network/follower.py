"""Follows the feed as its description says: begin at the snapshot, go on after its position, begin again after a 410."""

import asyncio
import contextlib
import logging
from pathlib import Path
from typing import Any

import orjson

from simulation.gateways.books import Books
from simulation.http_client import Address, Connection, connection
from simulation.http_wire import Answer, Unanswered, prepare
from simulation.network.ledger import FeedLedger

FEED, SNAPSHOT = "/v1/bookings", "/v1/bookings/snapshot"
WAIT_SECONDS = 10
LIMIT = 500
REST_SECONDS = 0.5

log = logging.getLogger(__name__)


class NotAnswered(Exception):
    """An answer that is none of those the description names; the next try begins where the books end."""


async def follow(url: str, key_file: Path, books: Books[FeedLedger], stop: asyncio.Event) -> None:
    """Until told to stop; a key or a service that is not there yet is waited for."""
    while not stop.is_set():
        with contextlib.suppress(FileNotFoundError):
            key = await asyncio.to_thread(key_file.read_text)
            try:
                async with connection(Address.of(url), seconds=WAIT_SECONDS + 10) as own:
                    await Follower(own, Address.of(url).name, key.strip(), books).follow(stop)
            except (Unanswered, NotAnswered) as failure:
                log.warning("reading again: %s", failure)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), REST_SECONDS)


class Follower:
    """One connection's worth of following."""

    def __init__(self, own: Connection, host: str, key: str, books: Books[FeedLedger]) -> None:
        self._own = own
        self._host = host
        self._headers = {"authorization": f"Bearer {key}"}
        self._books = books

    async def follow(self, stop: asyncio.Event) -> None:
        """Until told to stop."""
        while not stop.is_set():
            if self._books.ledger.position is None:
                await self._begin()
            asking = asyncio.ensure_future(self._go_on())
            stopped = asyncio.ensure_future(stop.wait())
            await asyncio.wait([asking, stopped], return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            if not asking.done():
                asking.cancel()
                return
            asking.result()

    async def _begin(self) -> None:
        """The whole snapshot in one line, so a crash never leaves half of it."""
        found = await self._read(f"{SNAPSHOT}?limit={LIMIT}")
        bookings, position = list(found["bookings"]), found["position"]
        while found["next"]:
            found = await self._read(f"{SNAPSHOT}?limit={LIMIT}&cursor={found['next']}")
            bookings += found["bookings"]
        await self._books.enter([{"id": f"snapshot-{position}", "snapshot": position, "bookings": bookings}])

    async def _go_on(self) -> None:
        after = self._books.ledger.position
        answer = await self._ask(f"{FEED}?after={after}&limit={LIMIT}&wait={WAIT_SECONDS}")
        if answer.status == 410 or b"not_reached" in answer.body:
            await self._begin()
            return
        events = _content(answer)["events"]
        await self._books.enter([{"id": one["id"], "booking": one["data"]} for one in events])

    async def _read(self, path: str) -> Any:
        return _content(await self._ask(path))

    async def _ask(self, path: str) -> Answer:
        return await self._own.ask(prepare("GET", path, self._host, headers=self._headers))


def _content(answer: Answer) -> Any:
    if answer.status != 200:
        raise NotAnswered(f"status {answer.status}")
    return orjson.loads(answer.body)
