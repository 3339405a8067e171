"""The four steps on DBOS: one durable workflow a person, whose steps' outcomes are kept in PostgreSQL.

As its documentation teaches: a web application that enqueues a workflow and answers, and workers that take it from the queue; or
with a concurrency of 0 no queue, and the web process runs what it starts. The workflow is asynchronous, its steps use asyncpg;
what a step gives back is kept by the library, in its own database on the same server. A step whose process dies before that is
done again. The request is kept by the library too, in clear: ours is sealed before it is written anywhere.

`python -m benchmarks.peers.dbos_app intake|worker`
"""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvloop
from dbos import DBOS
from fastapi import FastAPI, Request, Response

from benchmarks.peers.serving import serve, tell_ready, told_to_stop
from benchmarks.peers.settings import PeerSettings
from benchmarks.peers.steps.all_of_them import LARGEST_POOL, Steps, opened
from benchmarks.peers.steps.taking_in import Handle, Reception
from services.intake.domain.requests import CareRequest
from shared.contracts.intake import CaseSubmitted
from shared.contracts.matching import MatchMade
from shared.contracts.scheduling import AppointmentBooked

QUEUE = "journeys"
# The library looks at its queue so often; at its default of a second a worker would begin no more than its concurrency a second.
POLL_SECONDS = 0.1


_steps: Steps | None = None


def steps() -> Steps:
    """Those of this process."""
    assert _steps is not None, "not opened"
    return _steps


async def take_in(request: CareRequest, handle: Handle) -> CaseSubmitted:
    """The first step."""
    return await steps().reception.take(request, handle)


async def match(case: CaseSubmitted) -> MatchMade | None:
    """The second."""
    return await steps().matchmaker.match(case)


async def book(made: MatchMade) -> AppointmentBooked | None:
    """The third."""
    return await steps().diary.book(made)


async def tell(booked: AppointmentBooked) -> None:
    """The fourth."""
    await steps().teller.tell(booked)


async def journey(request: CareRequest, handle: Handle) -> None:
    """A person's whole way; it goes on after the last step that was kept."""
    case = await _take_in(request, handle)
    if (made := await _match(case)) and (booked := await _book(made)):
        await _tell(booked)


# Called and not written above the functions: a checker that does not have the library sees their types so.
_retried = {"retries_allowed": True, "max_attempts": 5, "interval_seconds": 0.1}
_take_in, _match, _book, _tell = (DBOS.step(**_retried)(one) for one in (take_in, match, book, tell))
_journey = DBOS.workflow()(journey)


def main() -> None:
    """Runs one role until it is told to stop."""
    role, settings = sys.argv[1], PeerSettings()
    DBOS(
        config={
            "name": "peer",
            "system_database_url": settings.system_database_url,
            "executor_id": settings.executor,
            "application_version": "1",
            "log_level": "WARNING",
            "run_migrations": role == "intake",
        }
    )
    logging.basicConfig(level=logging.WARNING)
    if role == "intake":
        serve(intake(settings), settings)
    else:
        uvloop.run(work(settings))


def intake(settings: PeerSettings) -> FastAPI:
    """POST /v1/cases: 202 once the workflow is durable."""
    reception: Reception

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        nonlocal reception
        if settings.concurrency:
            DBOS.listen_queues([])
        async with known(settings, 1 if settings.concurrency else LARGEST_POOL) as ours:
            reception = ours.reception
            DBOS.launch()
            if settings.concurrency:
                await DBOS.register_queue_async(
                    QUEUE, worker_concurrency=settings.concurrency, polling_interval_sec=POLL_SECONDS
                )
            tell_ready()
            yield
            DBOS.destroy()

    app = FastAPI(lifespan=life)

    async def begin(care: CareRequest, handle: Handle) -> None:
        if settings.concurrency:
            await DBOS.enqueue_workflow_async(QUEUE, _journey, care, handle)
        else:
            await DBOS.start_workflow_async(_journey, care, handle)

    async def ask(request: Request) -> Response:
        return await reception.respond(await request.body(), begin)

    app.add_api_route("/v1/cases", ask, methods=["POST"], status_code=202)
    return app


async def work(settings: PeerSettings) -> None:
    """Takes workflows from the queue until a signal ends it."""
    stop = told_to_stop()
    DBOS.listen_queues([QUEUE])
    async with known(settings, min(settings.concurrency, LARGEST_POOL)):
        DBOS.launch()
        tell_ready()
        await stop.wait()
        await asyncio.to_thread(DBOS.destroy)


@asynccontextmanager
async def known(settings: PeerSettings, size: int) -> AsyncIterator[Steps]:
    """The four steps of this process, where its workflows find them."""
    global _steps
    async with opened(settings, size) as _steps:
        yield _steps


if __name__ == "__main__":
    main()
