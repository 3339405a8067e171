"""The four steps on FastStream: a process a step, one message at a time, one transaction a message.

As its documentation teaches: a web application that publishes, subscribers in consumer groups with workers that share a topic's
partitions, an acknowledgement after the handler has ended well, and the message read into its model by the handler's annotation.
What is said is published after the commit, for there is no outbox: a process that dies between the two loses a person, and one that
dies before the acknowledgement does the step twice. Producers are idempotent and wait for all replicas, as ours are.

`python -m benchmarks.peers.faststream_app intake|matching|scheduling|notifications`
"""

import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import uvloop
from fastapi import FastAPI, Request, Response
from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker

from benchmarks.peers.serving import serve, tell_ready
from benchmarks.peers.settings import PeerSettings
from benchmarks.peers.steps.booking import Diary
from benchmarks.peers.steps.finding import Matchmaker
from benchmarks.peers.steps.opening import open_pool
from benchmarks.peers.steps.taking_in import Handle, Reception
from benchmarks.peers.steps.telling import telling
from services.intake.domain.requests import CareRequest
from shared.contracts.base import Event
from shared.contracts.intake import CaseSubmitted
from shared.contracts.matching import MatchMade
from shared.contracts.scheduling import AppointmentBooked
from shared.privacy import read_key

CASES, MATCHES, APPOINTMENTS = "peer.cases", "peer.matches", "peer.appointments"
TOPICS = (CASES, MATCHES, APPOINTMENTS)
PARTITIONS = 32  # a worker more than there are partitions would have nothing to do
HTTP_POOL = 16

Work = Callable[..., Awaitable[None]]


def main() -> None:
    """Runs one step until it is told to stop."""
    logging.basicConfig(level=logging.WARNING)
    step, settings = sys.argv[1], PeerSettings()
    broker = KafkaBroker(
        settings.kafka_bootstrap_servers,
        acks="all",
        enable_idempotence=True,
        logger=logging.getLogger("peer"),  # at the level above; the library's own writes two lines a message
    )
    if step == "intake":
        serve(intake(broker, settings), settings)
    else:
        uvloop.run(work(SUBSCRIBE[step], broker, settings))


def intake(broker: Any, settings: PeerSettings) -> FastAPI:
    """POST /v1/cases: 202 once the case is durable and Kafka has it."""
    reception: Reception

    @asynccontextmanager
    async def life(_app: FastAPI) -> AsyncIterator[None]:
        nonlocal reception
        pool = await open_pool(settings.database_url, "intake", HTTP_POOL)
        reception = Reception(pool, read_key(settings.deployment_key_file))
        async with broker:
            await broker.start()
            tell_ready()
            yield
        await pool.close()

    app = FastAPI(lifespan=life)

    async def publish(care: CareRequest, handle: Handle) -> None:
        await _publish(broker, await reception.take(care, handle), CASES)

    async def ask(request: Request) -> Response:
        return await reception.respond(await request.body(), publish)

    app.add_api_route("/v1/cases", ask, methods=["POST"], status_code=202)
    return app


@asynccontextmanager
async def matching(broker: Any, settings: PeerSettings) -> AsyncIterator[None]:
    """Cases become matches."""
    async with await _pool("matching", settings) as pool:
        matchmaker = await Matchmaker.open(pool)

        async def match(event: CaseSubmitted) -> None:
            if made := await matchmaker.match(event):
                await _publish(broker, made, MATCHES)

        _subscribe(broker, CASES, "peer.matching", match, settings)
        yield


@asynccontextmanager
async def scheduling(broker: Any, settings: PeerSettings) -> AsyncIterator[None]:
    """Matches become appointments."""
    async with await _pool("scheduling", settings) as pool:
        diary = Diary(pool)
        await diary.open()

        async def book(event: MatchMade) -> None:
            if booked := await diary.book(event):
                await _publish(broker, booked, APPOINTMENTS)

        _subscribe(broker, MATCHES, "peer.scheduling", book, settings)
        yield


@asynccontextmanager
async def notifications(broker: Any, settings: PeerSettings) -> AsyncIterator[None]:
    """Appointments become messages that were sent."""
    async with await _pool("notifications", settings) as pool, telling(pool, settings) as teller:

        async def tell(event: AppointmentBooked) -> None:
            await teller.tell(event)

        _subscribe(broker, APPOINTMENTS, "peer.notifications", tell, settings)
        yield


Subscribe = Callable[[Any, PeerSettings], AbstractAsyncContextManager[None]]
SUBSCRIBE: dict[str, Subscribe] = {
    "matching": matching,
    "scheduling": scheduling,
    "notifications": notifications,
}


async def work(subscribe: Subscribe, broker: Any, settings: PeerSettings) -> None:
    """One step's subscriber, until a signal ends it."""
    async with subscribe(broker, settings):
        app = FastStream(broker, logger=None)
        app.after_startup(_told_ready)
        await app.run()


def _subscribe(broker: Any, topic: str, group: str, handle: Work, settings: PeerSettings) -> None:
    """A handler that fails is given its message again; more workers than one share the partitions between them."""
    subscriber = broker.subscriber(
        topic,
        group_id=group,
        ack_policy=AckPolicy.NACK_ON_ERROR,
        max_workers=settings.concurrency,
        auto_offset_reset="earliest",
    )
    subscriber(handle)


async def _publish(broker: Any, event: Event, topic: str) -> None:
    await broker.publish(event, topic, key=event.key.encode())


async def _pool(schema: str, settings: PeerSettings) -> Any:
    return await open_pool(settings.database_url, schema, settings.concurrency)


async def _told_ready() -> None:
    tell_ready()


if __name__ == "__main__":
    main()
