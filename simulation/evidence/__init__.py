"""Loads the facts of a run from tables, topics and sinks; what they mean is for `simulation.history` to say."""

from collections.abc import Sequence

import asyncpg

from shared.contracts.base import Topic
from shared.contracts.topics import TOPICS, partner_topic
from simulation.evidence import bookings, holds, kernel, people, services, sinks, topics
from simulation.evidence.sources import Sources
from simulation.history.facts import History, Streams
from simulation.network import ORGANISATION

HOSPITAL = "rehmat-hospital"
# Who has what from where: the hospital from its topic, the network from its feed.
PARTNERS = {HOSPITAL: "/bookings", ORGANISATION: "/network/bookings"}
CLOCKS_DIFFER = 5.0  # seconds by which a record's time may be before the client's

__all__ = ["Sources", "load"]


async def load(sources: Sources, *, codes: Sequence[str] | None, since: float) -> History:
    """Everything about the cases with these codes (None: about all) since that Unix time.

    What only the client knows (its answers, people's addresses, who must be shown whom to call) is left empty.
    """
    connection = await asyncpg.connect(sources.database)
    try:
        keys = await people.choose(connection, codes)
        history = await _tables(connection)
        restricted = None if codes is None else keys
        logs = await topics.read_logs(
            sources.kafka, _topics(), since=since - CLOCKS_DIFFER, keys=None if codes is None else set(keys)
        )
        history.alarms_on_topic = frozenset(logs.alarms)
        history.receipts = sinks.receipts(sources.sinks, since=since)
        arrived = [receipt.message_id for receipt in history.receipts]
        history.earlier = await services.earlier(connection, arrived, since)
        history.streams = Streams(
            records=logs.records,
            said=await kernel.said(connection, restricted),
            readings=await kernel.readings(connection),
            read=await kernel.read(connection, logs.records),
            reached=await kernel.reached(connection, restricted),
            compacted=frozenset(topic.name for topic in TOPICS if topic.compacted),
        )
    finally:
        await connection.close()
    await _partner(sources, history)
    return history


async def _tables(connection: asyncpg.Connection) -> History:
    booked = await bookings.appointments(connection)
    return History(
        cases=await services.cases(connection),
        matched=await services.matched(connection),
        waitlisted=await services.waitlisted(connection),
        offered=await services.offered(connection),
        chosen=await services.chosen(connection),
        agreed=await services.agreed(connection),
        alarms=await services.alarms(connection),
        tasks=await services.tasks(connection),
        appointments=booked,
        steps=await bookings.steps(connection),
        lanes=await services.lanes(connection),
        reservations=await bookings.reservations(connection),
        held=await holds.live(connection),
        kept_hours=await holds.kept(connection),
        needed=bookings.needed(booked, await bookings.buffers(connection)),
        messages=await services.messages(connection),
        references=await services.references(connection),
        limits=await bookings.limits(connection),
        cancelled=await services.cancelled(connection),
        ended=await services.ended(connection),
        holders=await services.holders(connection),
        parkings=await services.parkings(connection),
        paged=await services.paged(connection),
        parked_alarms=await services.parked_alarms(connection),
    )


async def _partner(sources: Sources, history: History) -> None:
    """The partners' own books, as far as they are about our people."""
    history.partners = frozenset(PARTNERS)
    if not sources.hospital:
        return
    for holder, path in PARTNERS.items():
        found, complaints = await sinks.books(sources.hospital, path, holder)
        history.complaints = [*history.complaints, *complaints]
        own = [booking for booking in found if booking.booking_ref in history.references]
        history.bookings = [*history.bookings, *own]


def _topics() -> tuple[Topic, ...]:
    return (*TOPICS, partner_topic(HOSPITAL))
