"""Four therapists with the same hours online and in person, two rooms, and matches for both lanes at once."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from services.scheduling.repository import resources
from shared.contracts.matching import CareLane, MatchAttendee, MatchMade
from tests.scheduling.reference import rule
from tests.scheduling.store import Store, open_store
from tests.scheduling.world import add_site, add_therapist, match, window

LANES: tuple[CareLane, ...] = ("online", "in_person")
THERAPISTS, ROOMS, PEOPLE, DAYS = 4, 2, 6, 30
TICKS, AT_ONCE = 16, (8, 16)  # matches of one lane in one tick
# Fifty minutes with five before and after: six appointments a day for each, whichever lane takes them.
HOURS = ("10:00", "16:00")
AT_NIGHT = (window(7, "01:00", "05:00"),)

Tick = list[MatchMade]


@dataclass(frozen=True, slots=True)
class World:
    """Whom the matches name. `people` were here before: who is new to two lanes at once makes one of them wait
    for the other, even without a lock. `now` is when the hours begin to be open."""

    therapists: tuple[UUID, ...]
    site: UUID
    people: tuple[UUID, ...]
    now: datetime


async def make_world(database: Any) -> World:
    """Written with the service's own use cases; every run has therapists of its own."""
    admin = await asyncpg.connect(database.admin_dsn)
    try:
        async with open_store(database.dsn("scheduling"), admin, size=2) as store:
            store.now = datetime.now(UTC)
            site = await add_site(store, ROOMS)
            therapists = tuple([await _therapist(store, site) for _ in range(THERAPISTS)])
            people = tuple(uuid4() for _ in range(PEOPLE))
            async with store.transaction() as tx:
                await resources.lock(tx, resources.named(people=people))
            return World(therapists, site, people, store.now)
    finally:
        await admin.close()


async def _therapist(store: Store, site: UUID) -> UUID:
    rules = [rule(day, *HOURS, place) for day in range(1, 8) for place in (None, site)]
    return await add_therapist(store, rules, buffer=5, notice=0, horizon=DAYS, weekly_limit=60)


def plan(world: World, seed: int, ticks: int = TICKS) -> list[Tick]:
    """The same wishes for the same seed: each tick names two therapists to both lanes in the same breath, now
    and then in the other order, so that only rooms and people are sought twice.

    One match in four has a person whom the other lane may seek an hour for too, and one in eight wants hours
    in which nobody works.
    """
    chance = random.Random(seed)
    return [_tick(world, chance) for _ in range(ticks)]


def _tick(world: World, chance: random.Random) -> Tick:
    named = chance.sample(world.therapists, 2)
    orders = {"online": named, "in_person": named[::-1] if chance.random() < 0.25 else named}
    return [
        _match(world, lane, orders[lane], chance) for lane in LANES for _ in range(chance.randint(*AT_ONCE))
    ]


def _match(world: World, lane: CareLane, named: Sequence[UUID], chance: random.Random) -> MatchMade:
    person = chance.choice(world.people) if chance.random() < 0.25 else uuid4()
    return match(
        *(named if lane == "online" else [(one, world.site) for one in named]),
        attendees=(MatchAttendee(attendee_id=uuid4(), person_id=person),),
        wanted_times=AT_NIGHT if chance.random() < 0.125 else (),
        earliest=world.now,
        latest=world.now + timedelta(days=DAYS),
    )
