"""A process of nothing but the runner, for its tests: python -m tests.shared.toy_process MODE."""

import asyncio
import sys

import uvloop
from fastapi import FastAPI

from shared.settings import ProcessSettings
from shared.web import create_app, run_process
from shared.web.process import NotReady

TRIES = {"late": 3}


class Ticking:
    """A loop that ends as the mode says."""

    name = "ticking"

    async def run(self, stop: asyncio.Event) -> None:
        if sys.argv[1] == "crash":
            await asyncio.sleep(0.5)
            raise RuntimeError("a secret value")
        await stop.wait()

    def ready(self) -> str | None:
        return "an operator" if sys.argv[1] == "waits" else None

    def metrics(self) -> dict[str, float]:
        return {"ticks_total": 7}


async def build(_: FastAPI) -> tuple[list[Ticking], object]:
    TRIES["late"] -= 1
    if sys.argv[1] == "late" and TRIES["late"] > 0:
        raise NotReady("the moon")

    async def close() -> None:
        sys.stdout.write("closed\n")

    return [Ticking()], close


if __name__ == "__main__":
    app = create_app("toy")
    raise SystemExit(
        uvloop.run(run_process(app, build, service="toy", role="toy", process=ProcessSettings()))
    )  # type: ignore[arg-type]
