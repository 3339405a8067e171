"""A process of nothing but the runner, for its tests: python -m tests.shared.toy_process MODE."""

import asyncio
import contextlib
import sys
import time

import uvloop
from fastapi import FastAPI
from opentelemetry.trace import SpanKind

from shared.settings import ProcessSettings
from shared.telemetry import new_traceparent, record_span
from shared.web import create_app, process, run_process
from shared.web.process import NotReady

MODE = sys.argv[1]
TRIES = {"late": 3}


class Ticking:
    """A loop that ends as the mode says."""

    name = "ticking"

    async def run(self, stop: asyncio.Event) -> None:
        if MODE == "crash":
            await asyncio.sleep(0.5)
            raise RuntimeError("a secret value")
        while MODE == "deaf":
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(3600)
        if MODE == "traced":
            for _ in range(8192):
                now = time.time_ns()
                record_span(
                    new_traceparent(True), parent=None, name="x", kind=SpanKind.INTERNAL, times=(now, now)
                )
        await stop.wait()

    def ready(self) -> str | None:
        return "an operator" if MODE == "waits" else None

    def metrics(self) -> dict[str, float]:
        return {"ticks_total": 7}


async def build(_: FastAPI) -> tuple[list[Ticking], object]:
    TRIES["late"] -= 1
    if MODE == "late" and TRIES["late"] > 0:
        raise NotReady("the moon")
    if MODE == "stuck":
        await asyncio.Event().wait()

    async def close() -> None:
        sys.stdout.write("closed\n")

    return [Ticking()], close


if __name__ == "__main__":
    if MODE == "deaf":
        process.LEAVE_SECONDS, process.HANG_SECONDS = 0.2, 2.0
    app = create_app("toy")
    raise SystemExit(
        uvloop.run(run_process(app, build, service="toy", role="toy", process=ProcessSettings()))
    )  # type: ignore[arg-type]
