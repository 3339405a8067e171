"""What every peer's process does alike: it serves a web application or works until it is told to stop, and says when it is ready."""

import asyncio
import signal

import uvicorn
from fastapi import FastAPI

from benchmarks.peers.settings import PeerSettings

READY = "ready"


def serve(app: FastAPI, settings: PeerSettings) -> None:
    """On the loop and with the parser that ours has, until a signal ends it."""
    served = uvicorn.Config(
        app, host=settings.http_host, port=settings.http_port, loop="uvloop",
        http="httptools", access_log=False, log_level="warning",
    )  # fmt: skip
    uvicorn.Server(served).run()


def told_to_stop() -> asyncio.Event:
    """Set by the first signal to end."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, stop.set)
    return stop


def tell_ready() -> None:
    """Whoever has started the process waits for it."""
    print(READY, flush=True)
