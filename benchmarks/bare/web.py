"""`python -m benchmarks.bare.web PORT`: FastAPI with our body model for POST /v1/cases and nothing behind it.

Served as our processes are (`shared.web.process.SERVING`, uvloop), without our application round it: no time-outs, limits, traces or
problem documents, no shortcut past the framework's routing, and Python's own habits of collecting garbage. The body is read into its model
by the handler: FastAPI reads JSON into lists first, which a strict model takes for no tuples.
"""

import sys
import time
from collections.abc import Iterator
from itertools import cycle, takewhile
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from benchmarks import usage, world
from deploy.local import ports
from deploy.local.child import Child, Program
from services.intake.api.requests import CaseSent
from shared.web.process import SERVING
from simulation import asking
from simulation.http_client import Address, Connection, pour
from simulation.http_wire import Unanswered

ROOT = Path(__file__).resolve().parents[2]
SEED, KNOWN = 1, 500
WARM_SECONDS, SECONDS, READY_SECONDS = 2.0, 8.0, 20.0
ACCEPTED = 202


def application() -> FastAPI:
    """One route, whose answer is as long as ours."""
    app = FastAPI()

    @app.post(asking.PATH, status_code=ACCEPTED)
    async def ask(request: Request) -> JSONResponse:
        body = CaseSent.model_validate_json(await request.body())
        code = f"{body.province}-7K2M-9QXW"
        answer = {"case_code": code, "pin": "123456", "status_url": f"{asking.PATH}/{code}"}
        return JSONResponse(answer, ACCEPTED)

    return app


async def measure(folder: Path, seconds: float = SECONDS) -> dict[str, Any]:
    """Requests a second over the connections of the simulation's client, CPU in microseconds of either side, and which share of one core
    each was busy: the server is what limits as long as the client is idle for some of the time. Raises Unanswered for any other answer
    than 202. The server is a process of its own; its log lies in `folder`."""
    port = ports.free_port()
    command = (sys.executable, "-m", "benchmarks.bare.web", str(port))
    server = Child(Program("bare-web", command, folder / "web.log", folder=ROOT))
    try:
        await server.until(lambda: ports.answers(port), seconds=READY_SECONDS)
        address = Address("127.0.0.1", port)
        requests = [job.request for job in asking.submits(world.askers(SEED, KNOWN), "bare", address)]
        await _ask(address, requests, WARM_SECONDS)
        before, began = _used(server), time.monotonic()
        asked = await _ask(address, requests, seconds)
        took = time.monotonic() - began
        return _figures(asked, took, usage.between(before, _used(server)))
    finally:
        await server.stop()


async def _ask(address: Address, requests: list[bytes], seconds: float) -> int:
    """How many were accepted; they are asked again and again until the time is over."""
    until, asked = time.monotonic() + seconds, 0

    async def post(own: Connection, request: bytes) -> None:
        nonlocal asked
        answer = await own.ask(request)
        if answer.status != ACCEPTED:
            raise Unanswered(f"status {answer.status}")
        asked += 1

    jobs: Iterator[bytes] = takewhile(lambda _: time.monotonic() < until, cycle(requests))
    await pour(address, jobs, post, connections=asking.CONNECTIONS)
    return asked


def _used(server: Child) -> dict[str, usage.Usage]:
    return {"server": usage.of([server.pid]), "client": usage.own()}


def _figures(asked: int, took: float, cpu: dict[str, float]) -> dict[str, Any]:
    return {
        "requests_per_second": round(asked / took),
        "us": usage.microseconds_each(cpu, asked),
        "busy": {name: round(spent / took, 2) for name, spent in cpu.items()},
    }


if __name__ == "__main__":
    config = uvicorn.Config(application(), host="127.0.0.1", port=int(sys.argv[1]), **SERVING)
    uvloop.run(uvicorn.Server(config).serve())
