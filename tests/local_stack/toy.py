"""A process that is ready at once, for tests of the supervisor: what it does depends on --role."""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    await writer.drain()
    writer.close()


async def serve() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = await asyncio.start_server(answer, "127.0.0.1", int(os.environ["HTTP_PORT"]))
    await stop.wait()
    server.close()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--role")
    role = parser.parse_args().role
    if role == "migrate":
        Path(os.environ["SINK_DIR"]).parent.joinpath("migrated").write_text(os.environ["DATABASE_URL"])
    elif role == "broken":
        sys.exit("no setting CALLED_SO")
    elif role == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        asyncio.run(forever())
    else:
        asyncio.run(serve())
    return 0


async def forever() -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", int(os.environ["HTTP_PORT"]))
    await server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
