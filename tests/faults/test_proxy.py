"""The proxy on loopback, between a client and a server that says back what it hears: each way of spoiling it does what
it is named for, to those who are meant, and is over when it is healed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from deploy.local.ports import free_port
from tests.faults.proxy import BOTH, LONGEST_SLICE, Proxy, Spoil, Way
from tests.waiting import until

UP: frozenset[Way] = frozenset({"up"})
DOWN: frozenset[Way] = frozenset({"down"})
A_WHILE = 0.15  # in which an answer on loopback would have come many times over


class Echo:
    """Says back what it hears; `heard` is all of it."""

    def __init__(self) -> None:
        self.heard, self.port = b"", 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                self.heard += data
                writer.write(data)
                await writer.drain()
        writer.close()


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def says(self, text: bytes) -> None:
        self.writer.write(text)
        await self.writer.drain()

    async def hears(self, size: int) -> bytes:
        return await asyncio.wait_for(self.reader.readexactly(size), 10)

    async def is_silent(self) -> bool:
        try:
            await asyncio.wait_for(self.reader.read(1), A_WHILE)
        except TimeoutError:
            return True
        return False

    async def is_cut(self) -> bool:
        try:
            return await asyncio.wait_for(self.reader.read(1), 10) == b""
        except ConnectionError:
            return True


@pytest_asyncio.fixture
async def echo() -> AsyncIterator[Echo]:
    one = Echo()
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    one.port = server.sockets[0].getsockname()[1]
    yield one
    server.close()
    await server.wait_closed()


@pytest_asyncio.fixture
async def proxy(echo: Echo) -> AsyncIterator[Proxy]:
    async with Proxy(free_port(), ("127.0.0.1", echo.port), seed=3) as one:
        yield one


@asynccontextmanager
async def client(proxy: Proxy, greeting: bytes = b"hello") -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    one = Client(reader, writer)
    try:
        await one.says(greeting)
        yield one
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def test_what_is_not_spoiled_passes_whole_and_ends_when_either_end_does(
    proxy: Proxy, echo: Echo
) -> None:
    text = bytes(range(256)) * 4000
    async with client(proxy, text) as one:
        assert await one.hears(len(text)) == text
        assert proxy.count() == 1
    await until(lambda: proxy.count() == 0, "the end of the connection")


async def test_a_cut_ends_the_present_connections_and_the_new_ones(proxy: Proxy) -> None:
    async with client(proxy) as one:
        await one.hears(5)
        assert proxy.spoil(Spoil("cut")) == 1
        assert await one.is_cut()
    async with client(proxy) as other:
        assert await other.is_cut()
    proxy.heal()
    async with client(proxy) as third:
        assert await third.hears(5) == b"hello"


async def test_a_cut_in_the_middle_of_much_that_passes_leaves_nothing_behind(proxy: Proxy) -> None:
    async with client(proxy, b"x" * 8_000_000) as one:
        await one.hears(100_000)
        running = set(proxy._tasks)
        proxy.spoil(Spoil("cut"))
        await asyncio.wait_for(asyncio.gather(*running), 10)  # raises what a pump left behind
    assert proxy.count() == 0


async def test_an_answer_alone_is_lost_after_the_deed(proxy: Proxy, echo: Echo) -> None:
    async with client(proxy) as one:
        await one.hears(5)
        proxy.spoil(Spoil("cut", DOWN))
        await one.says(b"do it")
        assert await one.is_cut()
    assert echo.heard == b"hellodo it"


async def test_a_request_alone_is_lost_before_the_deed(proxy: Proxy, echo: Echo) -> None:
    async with client(proxy) as one:
        await one.hears(5)
        proxy.spoil(Spoil("cut", UP))
        await one.says(b"do it")
        assert await one.is_cut()
    assert echo.heard == b"hello"


@pytest.mark.parametrize("ways", [UP, DOWN, BOTH], ids=["up", "down", "both"])
async def test_what_is_held_passes_once_it_is_healed_and_nothing_is_lost(
    proxy: Proxy, echo: Echo, ways: frozenset[Way]
) -> None:
    async with client(proxy) as one:
        await one.hears(5)
        proxy.spoil(Spoil("hold", ways))
        await one.says(b"later")
        assert await one.is_silent()
        assert (echo.heard == b"hellolater") is ("up" not in ways)
        proxy.heal()
        assert await one.hears(5) == b"later"


async def test_a_connection_is_made_into_a_black_hole_and_nobody_is_told(proxy: Proxy) -> None:
    proxy.spoil(Spoil("hold"))
    async with client(proxy) as one:
        assert await one.is_silent()
        proxy.heal()
        assert await one.hears(5) == b"hello"


async def test_the_end_of_a_connection_alone_is_held_back(proxy: Proxy, echo: Echo) -> None:
    async with client(proxy) as one:
        await one.hears(5)
        proxy.spoil(Spoil("linger", DOWN))
        await one.says(b"last words")
        one.writer.write_eof()  # the server ends when its client does
        assert await one.hears(10) == b"last words"
        assert await one.is_silent()
        proxy.heal()
        assert await one.is_cut()


async def test_a_slow_way_delays_every_piece(proxy: Proxy) -> None:
    spoil = Spoil("slow", DOWN, seconds=0.4)
    async with client(proxy) as one:
        await one.hears(5)
        proxy.spoil(spoil)
        await one.says(b"again")
        assert await one.is_silent()
        assert await one.hears(5) == b"again"


async def test_slices_are_small_differ_by_the_seed_alone_and_say_the_same(proxy: Proxy, echo: Echo) -> None:
    text = bytes(range(256)) * 40
    proxy.spoil(Spoil("slice"))
    async with client(proxy, text) as one:
        assert await one.hears(len(text)) == text
        link = next(iter(proxy._links))
        twins = [Proxy(0, ("127.0.0.1", 0), seed=9) for _ in range(2)]
        for twin in twins:
            twin.spoil(Spoil("slice"))
        first, second = (twin.pieces(link, "up", text) for twin in twins)
        assert first == second
        assert b"".join(first) == text
        assert max(map(len, first[:32])) <= LONGEST_SLICE


async def test_only_those_are_meant_who_said_so_at_first(proxy: Proxy) -> None:
    async with client(proxy, b"matching:all") as one, client(proxy, b"intake:api") as other:
        await one.hears(12)
        await other.hears(10)
        assert proxy.spoil(Spoil("cut", whose=b"matching")) == 1
        assert await one.is_cut()
        await other.says(b"still here")
        assert await other.hears(10) == b"still here"


async def test_one_spoil_is_healed_and_another_stays(proxy: Proxy) -> None:
    hold, slow = Spoil("hold"), Spoil("slow", seconds=0.01)
    async with client(proxy) as one:
        await one.hears(5)
        proxy.spoil(slow)
        proxy.spoil(hold)
        proxy.heal(slow)
        await one.says(b"later")
        assert await one.is_silent()
        proxy.heal(hold)
        assert await one.hears(5) == b"later"


async def test_a_server_that_is_away_refuses_as_it_would_without_us() -> None:
    async with Proxy(free_port(), ("127.0.0.1", free_port())) as lonely, client(lonely) as one:
        assert await one.is_cut()
