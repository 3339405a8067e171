"""A TCP proxy that spoils what passes through it: cut, held back, slowed, sliced; one way or both, until it is healed.

It knows nothing of what it carries. Whose connections are meant is told by the first bytes a client says: Postgres'
clients say their application name there, Kafka's their client id.
"""

import asyncio
import contextlib
import random
from dataclasses import dataclass
from typing import Literal, Self

Way = Literal["up", "down"]  # up: from the client to the server
Kind = Literal["cut", "hold", "linger", "slow", "slice"]

BOTH: frozenset[Way] = frozenset({"up", "down"})
CHUNK = 65_536
GREETING = 1024  # bytes that are remembered of what a client says first
LONGEST_SLICE = 7
SLICES_AT_ONCE = 64  # a large answer in slices comes in pieces that grow, so that it comes at all


@dataclass(frozen=True, slots=True)
class Spoil:
    """What is done to connections whose greeting has `whose` in it.

    cut: both ways at once; one way, as soon as something comes that way (an answer that is lost after the deed is
    `down`). New connections are cut too. hold: nothing passes and nobody is told, as when cables are pulled; what was
    held passes once it is healed. linger: all passes but the end of the connection. slow: every piece waits `seconds`. slice: in pieces of a few bytes.
    """

    kind: Kind
    ways: frozenset[Way] = BOTH
    whose: bytes = b""
    seconds: float = 0.2


class Link:
    """One client's connection and ours to the server."""

    def __init__(self, proxy: "Proxy", client: asyncio.StreamWriter) -> None:
        self.greeting = b""
        self._proxy = proxy
        self._ends = [client]

    async def run(self, reader: asyncio.StreamReader) -> None:
        """Until one of both ends is gone or it is cut."""
        client = self._ends[0]
        try:
            other, server = await asyncio.open_connection(*self._proxy.behind)
        except OSError:
            self.cut()
            return
        self._ends.append(server)
        async with asyncio.TaskGroup() as both:
            both.create_task(self._pump("up", reader, server))
            both.create_task(self._pump("down", other, client))

    def meant(self, spoil: Spoil) -> bool:
        return spoil.whose in self.greeting

    def cut(self) -> None:
        """Without a goodbye: the next to read or write gets an error."""
        for end in self._ends:
            end.transport.abort()

    async def close(self) -> None:
        for end in self._ends:
            end.close()
            with contextlib.suppress(OSError):
                await end.wait_closed()

    async def _pump(self, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(CHUNK):
                if way == "up" and len(self.greeting) < GREETING:
                    self.greeting += data[: GREETING - len(self.greeting)]
                if not await self._pass(way, data, writer):
                    return
            if await self._proxy.lets_pass(self, way, ends=True):
                writer.write_eof()
            else:
                self.cut()
        except (OSError, RuntimeError):  # the latter is uvloop's word for a connection that was cut
            self.cut()

    async def _pass(self, way: Way, data: bytes, writer: asyncio.StreamWriter) -> bool:
        if not await self._proxy.lets_pass(self, way):
            self.cut()
            return False
        for piece in self._proxy.pieces(self, way, data):
            if delay := self._proxy.delay(self, way):
                await asyncio.sleep(delay)
            writer.write(piece)
            await writer.drain()
        return True


class Proxy:
    """Listens on a loopback port and passes on to another address. `cuts` counts the connections that were cut."""

    def __init__(self, port: int, behind: tuple[str, int], seed: int = 0) -> None:
        self.port = port
        self.behind = behind
        self.cuts = 0
        self._chance = random.Random(seed)
        self._spoils: list[Spoil] = []
        self._changed = asyncio.Event()
        self._links: set[Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.heal()
        for link in self._links:
            link.cut()
        await asyncio.gather(*self._tasks)
        await self._server.wait_closed()

    def spoil(self, spoil: Spoil) -> int:
        """From now on, until it is healed; returns how many of the present connections are meant."""
        self._spoils.append(spoil)
        self._tell()
        meant = [link for link in self._links if link.meant(spoil)]
        if spoil.kind == "cut" and spoil.ways == BOTH:
            for link in meant:
                self.cuts += 1
                link.cut()
        return len(meant)

    def heal(self, spoil: Spoil | None = None) -> None:
        """Takes one away, or all; what was held back passes."""
        self._spoils = [one for one in self._spoils if spoil is not None and one is not spoil]
        self._tell()

    def count(self, whose: bytes = b"") -> int:
        """Connections that are open now."""
        return sum(whose in link.greeting for link in self._links)

    async def lets_pass(self, link: Link, way: Way, *, ends: bool = False) -> bool:
        """Waits while it is held back; False where the connection is to be cut."""
        while self._has("hold", link, way) or (ends and self._has("linger", link, way)):
            await self._changed.wait()
        if self._has("cut", link, way):
            self.cuts += 1
            return False
        return True

    def delay(self, link: Link, way: Way) -> float:
        """Seconds that the next piece waits."""
        spoils = self._of("slow", link, way)
        return max((spoil.seconds * self._chance.uniform(0.5, 1.0) for spoil in spoils), default=0.0)

    def pieces(self, link: Link, way: Way, data: bytes) -> list[bytes]:
        """The data as it is written: whole, or in slices that begin small."""
        if not self._has("slice", link, way):
            return [data]
        found: list[bytes] = []
        place = 0
        while place < len(data):
            size = self._chance.randint(1, LONGEST_SLICE) * (1 + len(found) // SLICES_AT_ONCE) ** 2
            found.append(data[place : place + size])
            place += size
        return found

    def _has(self, kind: Kind, link: Link, way: Way) -> bool:
        return bool(self._of(kind, link, way))

    def _of(self, kind: Kind, link: Link, way: Way) -> list[Spoil]:
        return [one for one in self._spoils if one.kind == kind and way in one.ways and link.meant(one)]

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link, task = Link(self, writer), asyncio.current_task()
        assert task is not None
        self._links.add(link)
        self._tasks.add(task)
        try:
            await link.run(reader)
        finally:
            await link.close()
            self._links.discard(link)
            self._tasks.discard(task)
