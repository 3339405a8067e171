"""A file as it comes over HTTP, and the results as they go: reading never runs ahead of what is durable."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from typing import Any

from services.intake.domain.bulk_lines import Line, LineSplitter

BATCH = 200
# Whoever sends line by line and waits for each result gets it, although the batch is not full.
LINGER_SECONDS = 0.05
IDLE_SECONDS = 60.0
# Most clients read only when all is sent. Until then results wait here (about 40,000 of them); who still does not
# read cannot be helped by waiting.
RESULTS_WAITING = 8_000_000
STALLED_SECONDS = 30.0
PIECE = 65_536

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Gone(Exception):
    """The client has gone, or does nothing any more."""


async def batches_of(receive: Receive, splitter: LineSplitter) -> AsyncGenerator[list[Line]]:
    """Lines as they come, at most BATCH at a time. Raises Gone, and whatever `receive` raises after the lines
    before it: half a line of somebody who went away is no line."""
    lines: list[Line] = []
    more = True
    while more:
        coming = asyncio.ensure_future(receive())
        try:
            if lines and not await _comes(coming, LINGER_SECONDS):
                yield lines
                lines = []
            if not await _comes(coming, IDLE_SECONDS):
                raise Gone
        finally:
            if not coming.done():
                coming.cancel()
        if coming.exception() is not None and lines:
            yield lines
        message = coming.result()
        if message["type"] != "http.request":
            raise Gone
        more = message.get("more_body", False)
        lines += splitter.feed(message.get("body", b""))
        lines += [] if more else splitter.finish()
        while len(lines) >= BATCH or (lines and not more):
            yield lines[:BATCH]
            del lines[:BATCH]


async def _comes(coming: "asyncio.Future[Message]", seconds: float) -> bool:
    if not coming.done():
        await asyncio.wait([coming], timeout=seconds)
    return coming.done()


class Results:
    """Result lines on their way out, beside the reading: a client that reads late does not stop it."""

    def __init__(self, send: Send, headers: list[tuple[bytes, bytes]]) -> None:
        self._send = send
        self._waiting = bytearray()
        self._changed = asyncio.Event()
        self._sent = 0
        self._ended = False
        self._going = asyncio.create_task(self._go_out(headers))

    async def put(self, lines: bytes) -> None:
        """Hands lines over; waits while too much is waiting already. Raises Gone when nobody reads."""
        self._waiting += lines
        self._changed.set()
        while len(self._waiting) > RESULTS_WAITING:
            await self._progress()

    async def end(self) -> None:
        """Nothing more comes; returns when all has gone out. Raises Gone when nobody reads."""
        self._ended = True
        self._changed.set()
        while not self._going.done():
            await self._progress()
        self._going.result()

    def stop(self) -> None:
        """Lets go of what has not gone out."""
        self._going.cancel()

    async def _progress(self) -> None:
        before, loop = self._sent, asyncio.get_running_loop()
        until = loop.time() + STALLED_SECONDS
        while self._sent == before and not self._going.done():
            if loop.time() > until:
                raise Gone
            await asyncio.wait([self._going], timeout=LINGER_SECONDS)

    async def _go_out(self, headers: list[tuple[bytes, bytes]]) -> None:
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        while self._waiting or not self._ended:
            await self._changed.wait()
            self._changed.clear()
            while self._waiting:
                piece = bytes(self._waiting[:PIECE])
                del self._waiting[:PIECE]
                await self._send({"type": "http.response.body", "body": piece, "more_body": True})
                self._sent += 1
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})
