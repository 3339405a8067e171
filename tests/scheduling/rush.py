"""A rush of many at once, to be looked at when it is over."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import UUID, uuid4

import asyncpg

from services.scheduling.domain.changes import Caller, Move
from services.scheduling.domain.refusals import Refused
from services.scheduling.domain.wall_time import minute_of
from services.scheduling.handlers import changing, places
from services.scheduling.repository.turns import turns
from shared.contracts.base import Event
from shared.messaging import Transaction
from shared.messaging.failures import is_transient
from tests.scheduling import world
from tests.scheduling.reference import rule
from tests.scheduling.store import NOW, Store

R = TypeVar("R")
COORDINATOR = Caller("coordinator", "staff-1")
EXPECTED = {"slot_taken", "stale_version", "already_cancelled", "invalid_request"}
HOLD = "INSERT INTO scheduling.reservations VALUES ($1, $2, tstzrange($3, $4), $5)"
HELD_UNTIL = NOW + timedelta(days=30)


async def hold(connection: asyncpg.Connection, resource: UUID, start: datetime) -> None:
    """Takes an hour as the protocol forbids it: without a lock and without a look."""
    await connection.execute(HOLD, uuid4(), resource, start, start + timedelta(minutes=50), HELD_UNTIL)


async def all_at_once(work: Iterable[Coroutine[Any, Any, R]]) -> list[R]:
    """What each answers; the first failure ends them all, so that none is left to the next test."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(one) for one in work]
    return [one.result() for one in running]


class Rush:
    """Sixty cases over both lanes, people who change their minds, and somebody without manners."""

    def __init__(self, store: Store, seed: int) -> None:
        self.store = store
        self.random = random.Random(seed)
        self.lanes: dict[tuple[str, int], list[Event]] = {}
        self.highest: dict[UUID, int] = {}
        self.withdrawn: dict[UUID, int] = {}
        self.over = False
        self.strange = 0

    async def prepare(self) -> None:
        """A few therapists whom everybody wants."""
        self.site = await world.add_site(self.store, rooms=2)
        week = [
            one
            for day in range(1, 6)
            for one in (rule(day, "09:00", "17:00"), rule(day, "09:00", "17:00", self.site))
        ]
        self.therapists = [await world.add_therapist(self.store, week, weekly_limit=9) for _ in range(4)]
        for number in range(60):
            self._case(number)

    async def run(self) -> None:
        """Two workers for each lane, and everybody else as long as they work."""
        others = [self._change_minds(), self._change_minds(), self._take_without_asking()]
        async with asyncio.TaskGroup() as tasks:
            for one in others:
                tasks.create_task(one)
            await all_at_once([*map(self._work, self.lanes.values()), self._change_calendars()])
            self.over = True

    def _case(self, number: int) -> None:
        wanted = self.random.sample(self.therapists, 3)
        lanes = self.random.sample([wanted, [(one, self.site) for one in wanted]], 2)
        first = world.match(*lanes[0], priority=number % 3, latest=NOW + timedelta(days=11))
        second = world.match(*lanes[1], case_id=first.case_id, attempt=2, attendees=first.attendees)
        tried = [first, second] if number % 4 == 0 else [first]
        if number % 6 == 1:
            kept = {"mode": "offer", "expires_at": NOW + timedelta(hours=1)}
            self._send(number, first.model_copy(update=kept))  # and its choice follows
        for made in tried:
            self._send(number, made)
        if number % 5 == 0:
            self._send(number, world.withdrawal(tried[-1 if number % 10 == 0 else 0]))
            self.withdrawn[first.case_id] = len(tried) if number % 10 == 0 else 1
        self.highest[first.case_id] = len(tried)

    def _send(self, number: int, event: Any) -> None:
        self.lanes.setdefault((event.lane, number % 2), []).append(event)

    async def _work(self, events: Sequence[Event]) -> None:
        """One worker of a lane: batches in order, each tried again as the kernel does."""
        for place in range(0, len(events), 6):
            while not await self._applied(events[place : place + 6]):
                await asyncio.sleep(0.01)

    async def _applied(self, batch: Sequence[Event]) -> bool:
        try:
            await self.store.hear(*batch)
        except Exception as failure:
            if not is_transient(failure):
                raise
            return False
        return True

    async def _change_minds(self) -> None:
        """People and the desk, who cancel and move what is there."""
        in_turn = turns(self.store.database)
        while not self.over:
            live = await self.store.database.pool.fetch(
                "SELECT appointment_id, version FROM appointments WHERE state = 'booked'"
            )
            if not live:
                await asyncio.sleep(0.01)
                continue
            row = self.random.choice(live)
            hour = NOW + timedelta(days=self.random.randrange(4), minutes=15 * self.random.randrange(28))
            id_, seen = row["appointment_id"], row["version"]
            use_case: Callable[[Transaction], Awaitable[Any]] = partial(
                changing.reschedule,
                appointment_id=id_,
                caller=COORDINATOR,
                move=Move(minute_of(hour)),
                seen=seen,
            )
            if self.random.random() < 0.2:
                use_case = partial(
                    changing.cancel, appointment_id=id_, caller=COORDINATOR, reason="cannot_come", seen=seen
                )
            try:
                await in_turn(use_case)
            except Refused as refused:
                if refused.code not in EXPECTED:
                    raise
            except Exception as failure:
                # Whoever takes without asking may be in the way at every try. HTTP answers 503, and they come again.
                if not is_transient(failure):
                    raise

    async def _take_without_asking(self) -> None:
        """Two hours of two therapists at a time, in any order: so it may stand in anybody's way."""
        connection = await asyncpg.connect(self.store.dsn)
        try:
            while not self.over and self.strange < 40:
                start = NOW + timedelta(days=self.random.randrange(4), minutes=15 * self.random.randrange(24))
                try:
                    async with connection.transaction():
                        for therapist in self.random.sample(self.therapists, 2):
                            await hold(connection, therapist, start)
                    self.strange += 1
                except (asyncpg.ExclusionViolationError, asyncpg.DeadlockDetectedError):
                    pass
                await asyncio.sleep(0)
        finally:
            await connection.close()

    async def _change_calendars(self) -> None:
        """Limits and buffers, which never move what is booked."""
        in_turn = turns(self.store.database)
        for number in range(12):
            therapist = self.random.choice(self.therapists)
            limit, buffer = self.random.choice((3, 9, 18)), self.random.choice((0, 10, 20))
            at = NOW + timedelta(seconds=number)
            await self._work([world.therapist(therapist, weekly_limit=limit, changed_at=at)])
            standing = await in_turn(partial(places.show_calendar, therapist_id=therapist))
            await in_turn(
                partial(places.save_calendar, wanted=replace(standing, buffer=buffer), seen=standing.version)
            )
