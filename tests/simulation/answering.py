"""A server that answers what a test tells it to: the client's view of a service, byte by byte."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from simulation.http_client import Address

OK = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}"
BUSY = b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"
Replies = Callable[[int], bytes | None]


@asynccontextmanager
async def server(reply: Replies) -> AsyncIterator[tuple[Address, list[bytes]]]:
    """Answers the n-th request with reply(n): bytes, or None to hang up without an answer."""
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await reader.read(65_536):
            seen.append(request)
            answer = reply(len(seen))
            if answer is None:
                break
            writer.write(answer)
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield Address("127.0.0.1", listening.sockets[0].getsockname()[1]), seen
    finally:
        listening.close()
