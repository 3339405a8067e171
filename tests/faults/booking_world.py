"""Four therapists with the same hours online and in person, two rooms, and matches for both lanes at once."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from shared.contracts.matching import CareLane, MatchAttendee, MatchMade
from tests.scheduling.reference import rule
from tests.scheduling.store import Store, open_store
from tests.scheduling.world import add_site, add_therapist, match

LANES: tuple[CareLane, ...] = ("online", "in_person")
THERAPISTS, ROOMS, DAYS, TICKS = 4, 2, 14, 160
# Fifty minutes with five before and after: six appointments a day for each, whichever lane takes them.
HOURS = ("10:00", "16:00")

Tick = list[MatchMade]


@dataclass(frozen=True, slots=True)
class World:
    """Whom the matches name. `now` is when the hours begin to be open."""

    therapists: tuple[UUID, ...]
    site: UUID
    now: datetime


async def make_world(database: Any) -> World:
    """Written with the service's own use cases; every run has therapists of its own."""
    admin = await asyncpg.connect(database.admin_dsn)
    try:
        async with open_store(database.dsn("scheduling"), admin, size=2) as store:
            store.now = datetime.now(UTC)
            site = await add_site(store, ROOMS)
            return World(tuple([await _therapist(store, site) for _ in range(THERAPISTS)]), site, store.now)
    finally:
        await admin.close()


async def _therapist(store: Store, site: UUID) -> UUID:
    rules = [rule(day, *HOURS, place) for day in range(1, 8) for place in (None, site)]
    return await add_therapist(store, rules, buffer=5, notice=0, horizon=DAYS, weekly_limit=60)


def plan(world: World, seed: int) -> list[Tick]:
    """The same wishes for the same seed: each tick names two therapists to both lanes in the same breath.

    One in four people is in two cases, one in each lane, and can be in one place only.
    """
    chance = random.Random(seed)
    return [_tick(world, chance) for _ in range(TICKS)]


def _tick(world: World, chance: random.Random) -> Tick:
    named = chance.sample(world.therapists, 2)
    shared = uuid4() if chance.random() < 0.25 else None
    said = []
    for lane in LANES:
        candidates = named if lane == "online" else [(one, world.site) for one in named]
        for number in range(chance.randint(1, 2)):
            person = shared if shared and number == 0 else uuid4()
            said.append(
                match(
                    *candidates,
                    attendees=(MatchAttendee(attendee_id=uuid4(), person_id=person),),
                    earliest=world.now,
                    latest=world.now + timedelta(days=DAYS),
                )
            )
    return said
