"""The four steps on Temporal: one workflow a person, whose history its server keeps in PostgreSQL, and an activity a step.

As its documentation teaches: a web application that starts a workflow and answers, and workers that poll a task queue for what is next
of any workflow. What a step gives back is kept by the server as JSON, in a database of its own on the same PostgreSQL; a step whose
process dies before that is done again. With a concurrency of 0 the steps are local activities, as it teaches for short ones: the worker
that has the workflow takes them all and tells the server at the end, and all are done again if it dies before. The request is kept
too, in clear: ours is sealed before it is written anywhere.

`python -m benchmarks.peers.temporal_app intake|worker`
"""

import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import uvloop
from fastapi import FastAPI, Request, Response
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Worker

from benchmarks.peers.serving import serve, tell_ready, told_to_stop
from benchmarks.peers.settings import PeerSettings
from benchmarks.peers.steps.all_of_them import LARGEST_POOL, opened
from benchmarks.peers.steps.opening import open_pool
from benchmarks.peers.steps.taking_in import Handle, Reception
from benchmarks.peers.temporal.activities import Activities, Asked
from benchmarks.peers.temporal.journey import Journey
from services.intake.domain.requests import CareRequest
from shared.privacy import read_key

NAMESPACE, QUEUE = "peer", "journeys"
KEPT = timedelta(days=1)  # the least for which it keeps what is over


def main() -> None:
    """Runs one role until it is told to stop."""
    role, settings = sys.argv[1], PeerSettings()
    logging.basicConfig(level=logging.WARNING)
    if role == "intake":
        serve(intake(settings), settings)
    else:
        uvloop.run(work(settings))


def intake(settings: PeerSettings) -> FastAPI:
    """POST /v1/cases: 202 once the workflow is durable."""
    reception: Reception
    client: Any

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        nonlocal reception, client
        client = await connect(settings)
        await make_namespace(client)
        async with await open_pool(settings.database_url, "intake", 1) as pool:
            reception = Reception(pool, read_key(settings.deployment_key_file))
            tell_ready()
            yield

    app = FastAPI(lifespan=life)

    async def begin(care: CareRequest, handle: Handle) -> None:
        asked = Asked(request=care, handle=handle, locally=not settings.concurrency)
        await client.start_workflow(Journey.run, asked, id=str(handle.case_id), task_queue=QUEUE)

    async def ask(request: Request) -> Response:
        return await reception.respond(await request.body(), begin)

    app.add_api_route("/v1/cases", ask, methods=["POST"], status_code=202)
    return app


async def work(settings: PeerSettings) -> None:
    """Takes what is next from the queue until a signal ends it."""
    stop = told_to_stop()
    client = await connect(settings)
    size = min(settings.concurrency or LARGEST_POOL, LARGEST_POOL)
    async with opened(settings, size) as steps:
        own = Activities(steps)
        worker = Worker(
            client,
            task_queue=QUEUE,
            workflows=[Journey],
            activities=[own.take_in, own.match, own.book, own.tell],
            max_concurrent_activities=settings.concurrency or None,
        )
        async with worker:
            tell_ready()
            await stop.wait()


async def connect(settings: PeerSettings) -> Any:
    """A client that sends our own types as JSON."""
    return await Client.connect(
        settings.temporal_address, namespace=NAMESPACE, data_converter=pydantic_data_converter
    )


async def make_namespace(client: Any) -> None:
    """Where workflows live; as a user of one server would make it."""
    wanted = RegisterNamespaceRequest(namespace=NAMESPACE, workflow_execution_retention_period=KEPT)
    try:
        await client.workflow_service.register_namespace(wanted)
    except RPCError as failure:
        if failure.status is not RPCStatusCode.ALREADY_EXISTS:
            raise


if __name__ == "__main__":
    main()
