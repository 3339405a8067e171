"""`python -m simulation.hospital`: reads its topic, answers GET /bookings; ends on SIGTERM."""

import asyncio
import logging
import signal

import orjson
from aiohttp import web

from simulation.hospital.ledger import Books
from simulation.hospital.reader import read
from simulation.hospital.settings import HospitalSettings


async def main(settings: HospitalSettings) -> None:
    """Reads and answers until told to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    books = Books(settings.sink_dir)
    runner = web.AppRunner(_app(books), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, settings.http_host, settings.http_port, reuse_address=True).start()
    await read(settings, books, stop)
    await runner.cleanup()
    books.close()


def _app(books: Books) -> web.Application:
    async def bookings(_request: web.Request) -> web.Response:
        """What the hospital believes, and what it misses."""
        ledger = books.ledger
        return _json(
            {
                "bookings": list(ledger.bookings.values()),
                "position": ledger.position,
                "gaps": ledger.gaps,
                "problems": ledger.problems,
            }
        )

    async def alive(_request: web.Request) -> web.Response:
        return _json({"position": books.ledger.position, "gaps": len(books.ledger.gaps)})

    app = web.Application()
    app.add_routes([web.get("/bookings", bookings), web.get("/livez", alive)])
    return app


def _json(content: dict[str, object]) -> web.Response:
    return web.Response(body=orjson.dumps(content), content_type="application/json")


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(main(HospitalSettings()))
