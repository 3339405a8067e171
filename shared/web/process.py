"""One process: an HTTP server for its routes and its health, and the loops that do its work, started and
stopped together. Health answers before the database and the broker do, and says what it waits for."""

import asyncio
import contextlib
import faulthandler
import gc
import logging
import resource
import signal
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

import uvicorn
from fastapi import FastAPI, Request, Response

from shared.resting import rest
from shared.settings import ProcessSettings
from shared.telemetry import render_metrics, start_telemetry, stop_telemetry
from shared.web.bodies import fast_json
from shared.web.origins import allow_origins, read_origins

RETRY_SECONDS = 0.3
LEAVE_SECONDS = 4.0
# The server, what was opened and the last spans have limits of their own, which add up to half of it.
HANG_SECONDS = 12.0
# How every process speaks HTTP, as uvicorn's own keyword arguments.
SERVING: dict[str, Any] = {
    "http": "httptools",
    "ws": "none",
    "lifespan": "off",
    "access_log": False,
    "proxy_headers": False,
    "log_config": None,
    "server_header": False,
    "date_header": False,
    "timeout_keep_alive": 30,
    "timeout_graceful_shutdown": 3,
    "backlog": 2048,
}

log = logging.getLogger(__name__)


class Loop(Protocol):
    """Something that runs until told to stop; `ready` is None or what it waits for."""

    name: str

    async def run(self, stop: asyncio.Event) -> None: ...
    def ready(self) -> str | None: ...
    def metrics(self) -> dict[str, float]: ...


class NotReady(Exception):
    """Raised by `build` while something it needs is away; its text names what."""


T = TypeVar("T")
Close = Callable[[], Awaitable[None]]
Build = Callable[[FastAPI], Awaitable[tuple[Sequence[Loop], Close]]]


async def run_process(
    app: FastAPI, build: Build, *, service: str, role: str, process: ProcessSettings
) -> int:
    """Runs until SIGTERM or SIGINT; returns the exit code: 0 when told to stop, 1 when a loop crashed.

    `build` opens pools and makes loops; it is tried again while it raises OSError or NotReady, and until it
    has succeeded every route but health answers 503. What cannot be stopped is left behind: after HANG_SECONDS
    the process ends with 1 and the stacks of its threads on stderr.
    """
    allow_origins(app, read_origins(process.cors_origins))
    start_telemetry(service, role, process)
    house = _House(app, service)
    house.add_health()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = _server(app, process)
    serving = asyncio.create_task(server.serve())
    try:
        return await house.live(build, stop, serving)
    finally:
        # A thread below Python: it works although a task swallows its cancellation or the loop stands still.
        faulthandler.dump_traceback_later(HANG_SECONDS, exit=True)
        server.should_exit = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(serving, LEAVE_SECONDS)
        await house.leave()
        stop_telemetry()


class _House:
    """What health tells: the loops, and how late the event loop runs."""

    def __init__(self, app: FastAPI, service: str) -> None:
        self._app = app
        self._service = service
        self._loops: Sequence[Loop] = ()
        self._close: Close | None = None
        self._delay = 0.0
        app.state.waits_for = "start"

    async def live(self, build: Build, stop: asyncio.Event, serving: "asyncio.Task[Any]") -> int:
        """Builds, then runs the loops until told to stop or one of them, or the server, ends."""
        if not await self._build(build, stop):
            return 0
        self._app.state.waits_for = None
        _collect_rarely()
        tasks = [asyncio.create_task(loop.run(stop), name=loop.name) for loop in self._loops]
        tasks.append(asyncio.create_task(self._watch_delay(stop), name="delay"))
        stopped = asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait([*tasks, stopped, serving], return_when=asyncio.FIRST_COMPLETED)
        crashed = [task for task in done if task.exception() or not stop.is_set()]
        for task in crashed:
            log.critical("%s ended by itself", task.get_name(), exc_info=task.exception())
        self._app.state.waits_for = "stop"
        stop.set()
        await asyncio.wait(tasks, timeout=LEAVE_SECONDS)
        return 1 if crashed else 0

    async def _build(self, build: Build, stop: asyncio.Event) -> bool:
        while not stop.is_set():
            try:
                opened = await _unless(stop, build(self._app))
                if opened is not None:
                    self._loops, self._close = opened
                return opened is not None
            except (OSError, TimeoutError, NotReady) as away:
                self._app.state.waits_for = str(away) if isinstance(away, NotReady) else "database"
                await rest(stop, RETRY_SECONDS)
        return False

    async def leave(self) -> None:
        """Closes what `build` opened."""
        if self._close:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._close(), 1)

    async def _watch_delay(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            before = time.perf_counter()
            await asyncio.sleep(0.25)
            self._delay = time.perf_counter() - before - 0.25

    def add_health(self) -> None:
        """/livez, /readyz, /metrics."""

        async def livez(_: Request) -> Response:
            return fast_json(200, {"status": "live"})

        async def readyz(_: Request) -> Response:
            waits = {loop.name: why for loop in self._loops if (why := loop.ready()) is not None}
            if why := self._app.state.waits_for:
                waits["process"] = why
            body = {"status": "waiting", "waits_for": waits} if waits else {"status": "ready"}
            return fast_json(503 if waits else 200, body)

        async def metrics(_: Request) -> Response:
            usage = resource.getrusage(resource.RUSAGE_SELF)
            figures = {
                "loop_delay_seconds": self._delay,
                "cpu_seconds_total": usage.ru_utime + usage.ru_stime,
                "peak_memory_bytes": usage.ru_maxrss * 1024.0,
            }
            text = render_metrics(self._service, self._loops, figures)
            return Response(text, media_type="text/plain; version=0.0.4")

        for path, route in (("/livez", livez), ("/readyz", readyz), ("/metrics", metrics)):
            self._app.add_api_route(path, route, include_in_schema=False)


async def _unless(stop: asyncio.Event, work: Awaitable[T]) -> T | None:
    """The result of `work`; None when told to stop before: it may wait for a database that does not answer."""
    working = asyncio.ensure_future(work)
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([working, stopped], return_when=asyncio.FIRST_COMPLETED)
    if working.done():
        stopped.cancel()
        return working.result()
    working.cancel()
    await asyncio.wait([working], timeout=1)
    return None


def _collect_rarely() -> None:
    """What stands after the start is never garbage; batches make many short-lived objects and hardly a cycle.
    Measured: 15 to 25 % of a sender's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


class _Server(uvicorn.Server):
    """Signals are ours: the loops and the server stop together."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(app: FastAPI, process: ProcessSettings) -> uvicorn.Server:
    return _Server(
        uvicorn.Config(
            app,
            host=process.http_host,
            port=process.http_port,
            **SERVING,
        )
    )
