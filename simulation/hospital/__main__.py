"""`python -m simulation.hospital`: reads its topic, answers GET /bookings; ends on SIGTERM. Beside it the office of the
network follows its feed and answers GET /network/bookings."""

import asyncio
import logging
import signal

import orjson
from aiohttp import web

from simulation.gateways.books import Books
from simulation.hospital.ledger import Ledger, hospital_books
from simulation.hospital.reader import read
from simulation.hospital.settings import HospitalSettings
from simulation.network.follower import follow
from simulation.network.ledger import FeedLedger, network_books


async def main(settings: HospitalSettings) -> None:
    """Reads and answers until told to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    books, others = hospital_books(settings.sink_dir), network_books(settings.sink_dir)
    runner = web.AppRunner(_app(books, others), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, settings.http_host, settings.http_port, reuse_address=True).start()
    await asyncio.gather(
        read(settings, books, stop), follow(settings.partners_url, settings.partner_key_file, others, stop)
    )
    await runner.cleanup()
    books.close()
    others.close()


def _app(books: Books[Ledger], others: Books[FeedLedger]) -> web.Application:
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

    async def bookings_of_the_network(_request: web.Request) -> web.Response:
        """What the network's office believes; the feed has no gaps, or they are problems."""
        ledger = others.ledger
        return _json(
            {
                "bookings": list(ledger.bookings.values()),
                "position": ledger.position,
                "snapshots": ledger.snapshots,
                "gaps": [],
                "problems": ledger.problems,
            }
        )

    async def alive(_request: web.Request) -> web.Response:
        return _json({"position": books.ledger.position, "gaps": len(books.ledger.gaps)})

    app = web.Application()
    app.add_routes(
        [
            web.get("/bookings", bookings),
            web.get("/network/bookings", bookings_of_the_network),
            web.get("/livez", alive),
        ]
    )
    return app


def _json(content: dict[str, object]) -> web.Response:
    return web.Response(body=orjson.dumps(content), content_type="application/json")


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(main(HospitalSettings()))
