"""What became of every match, and what was taken twice, seen in three ways that know nothing of one another:
the service's own views, the appointments in the tables, and what was told to the rest of the world."""

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.contracts.base import Event
from shared.contracts.scheduling import AppointmentBooked
from shared.contracts.topics import EVENTS, TOPICS
from shared.messaging import envelope
from tests.faults.booking_world import Tick
from tests.scheduling.store import CHECKS

# What is said of matches, with the number of partitions.
ANNOUNCED = [
    (topic.name, topic.partitions)
    for topic in TOPICS
    if topic.name in ("scheduling.appointments", "scheduling.openings")
]

# SQL's own word for two times that share a moment, asked of the appointments: no constraint, no view, no buffers.
OVERLAPS = """
WITH needs AS (
    SELECT appointment_id, starts_at, ends_at, unnest(person_ids || therapist_id || room_id) AS resource_id
    FROM scheduling.appointments WHERE state = 'booked'
)
SELECT r.kind, count(*) AS pairs FROM needs a
JOIN needs b ON a.resource_id = b.resource_id AND a.appointment_id < b.appointment_id
JOIN scheduling.resources r ON r.id = a.resource_id
WHERE (a.starts_at, a.ends_at) OVERLAPS (b.starts_at, b.ends_at) GROUP BY r.kind
"""

# One row per decided case: its appointment, or none because there was no hour; never both, never neither.
OUTCOMES = """
SELECT f.case_id, a.appointment_id FROM scheduling.case_fences f
LEFT JOIN scheduling.appointments a ON a.case_id = f.case_id AND a.state = 'booked'
WHERE f.attempt > 0 AND (a.appointment_id IS NULL) = (f.no_slot_reason IS NOT NULL)
"""


@dataclass(slots=True)
class Verdict:
    """`hopeless` matches want hours in which nobody works; for all others there is an hour. `views` and `overlaps` count rows by view and pairs by kind of resource; `told`, pairs in the events."""

    matches: int = 0
    hopeless: int = 0
    booked: int = 0
    not_found: int = 0
    lost: int = 0
    told_otherwise: int = 0
    dead_letters: int = 0
    views: dict[str, int] = field(default_factory=dict)
    overlaps: dict[str, int] = field(default_factory=dict)
    told: int = 0
    kills: int = 0
    seconds: float = 0.0

    @property
    def clean(self) -> bool:
        """Every match has one outcome, told once, and nobody is needed twice at once."""
        wrong = (self.lost, self.told_otherwise, self.dead_letters, self.told, *self.views.values())
        return not any(wrong) and not self.overlaps and self.not_found == self.hopeless


async def check(database: Any, bootstrap: str, ticks: Sequence[Tick], verdict: Verdict) -> None:
    """Fills in the verdict; the processes must have ended."""
    cases = {str(one.case_id) for tick in ticks for one in tick}
    verdict.matches = len(cases)
    verdict.hopeless = sum(bool(one.wanted_times) for tick in ticks for one in tick)
    admin = await asyncpg.connect(database.admin_dsn)
    try:
        outcomes = await admin.fetch(OUTCOMES)
        verdict.views = {
            view: await admin.fetchval(f"SELECT count(*) FROM scheduling.{view}") for view in CHECKS
        }
        verdict.overlaps = {row["kind"]: row["pairs"] for row in await admin.fetch(OVERLAPS)}
        verdict.dead_letters = await admin.fetchval(
            "SELECT count(*) FROM scheduling.dead_letters WHERE key = ANY ($1)", list(cases)
        )
    finally:
        await admin.close()
    decided = {str(row["case_id"]): row["appointment_id"] for row in outcomes}
    verdict.booked = sum(one is not None for one in decided.values())
    verdict.not_found = len(decided) - verdict.booked
    verdict.lost = len(cases - decided.keys())
    told = await told_of(bootstrap, cases)
    verdict.told_otherwise = sum(_differs(one, told[case]) for case, one in decided.items())
    verdict.told = sum(1 for events in _by_resource(told).values() for _ in _clashes(events))


def _differs(appointment_id: UUID | None, told: dict[UUID, Event]) -> bool:
    """Whether anything but what the tables say was told, or it was told as two events."""
    return [getattr(event, "appointment_id", None) for event in told.values()] != [appointment_id]


def _by_resource(told: dict[str, dict[UUID, Event]]) -> dict[UUID, list[AppointmentBooked]]:
    needed: dict[UUID, list[AppointmentBooked]] = defaultdict(list)
    for event in itertools.chain.from_iterable(events.values() for events in told.values()):
        if isinstance(event, AppointmentBooked):
            for one in (event.therapist_id, event.room_id, *(who.person_id for who in event.attendees)):
                if one is not None:
                    needed[one].append(event)
    return needed


def _clashes(events: Sequence[AppointmentBooked]) -> Iterator[tuple[AppointmentBooked, AppointmentBooked]]:
    return (
        (one, other)
        for one, other in itertools.combinations(events, 2)
        if one.start < other.end and other.start < one.end
    )


async def told_of(bootstrap: str, cases: Collection[str]) -> dict[str, dict[UUID, Event]]:
    """What was said of these cases, by case and event id; an event that was sent again is the same event."""
    found: dict[str, dict[UUID, Event]] = defaultdict(dict)
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False) as consumer:
        places = [TopicPartition(name, number) for name, count in ANNOUNCED for number in range(count)]
        consumer.assign(places)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(places)
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for record in itertools.chain.from_iterable((await consumer.getmany(timeout_ms=200)).values()):
                said = envelope.read(record.headers, record.key, record.value)
                if said.key in cases:
                    found[said.key][said.id] = EVENTS[said.type](**orjson.loads(said.data))
    return found
