"""One case that goes from lane to lane, and one hour that was held, with scheduling's own workers: a case never has two
first appointments, and a hold blocks nobody after its time, whoever is killed or hangs meanwhile."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from services.scheduling.domain.changes import Caller
from services.scheduling.domain.holds import Wanted
from services.scheduling.domain.wall_time import minute_of
from services.scheduling.handlers import changing, holding
from services.scheduling.handlers.matches import book_matches
from shared.contracts.base import Event
from shared.contracts.matching import MatchMade
from shared.contracts.scheduling import AppointmentBooked, AppointmentCancelled
from shared.contracts.topics import TOPICS
from shared.messaging import MIGRATIONS, KafkaSettings, Kernel, ensure_topics
from shared.postgres import migrate
from shared.web.idempotency import KeyedRequest
from tests.faults.booking_checker import told_of
from tests.faults.booking_stage import BookingStage
from tests.faults.booking_workers import Workers, environment_of
from tests.scheduling import world
from tests.scheduling.reference import rule
from tests.scheduling.store import Store, open_store
from tests.waiting import until

ONLINE, IN_PERSON = "online-0", "in_person-0"
COORDINATOR = Caller("coordinator", "staff-1")
HELD_SECONDS = 8
DECIDED = "SELECT attempt FROM scheduling.case_fences WHERE case_id = $1"
WITHDRAWN = "SELECT withdrawn FROM scheduling.case_fences WHERE case_id = $1"
ENDED = "SELECT state = 'released' FROM scheduling.holds"
OVER = "SELECT held_until < clock_timestamp() FROM scheduling.holds"
REFUSED = "SELECT count(*) FROM scheduling.case_fences WHERE no_slot_reason IS NOT NULL"


@dataclass(slots=True)
class Verdict:
    """`two_at_once` are moments at which a case had two appointments; `refused`, cases that got no hour."""

    two_at_once: int = 0
    refused: int = 0

    @property
    def found(self) -> dict[str, int]:
        """The checks that fail, each with how often."""
        names = ("two_at_once", "refused")
        return {name: count for name in names if (count := getattr(self, name))}


@dataclass(slots=True)
class CaseStage(BookingStage):
    """One run: a database of its own, processes from `tree` (the code under test)."""

    loud: bool = True

    async def play(self) -> Verdict:
        """The same two stories, with a worker killed and a sweeper that hangs when loud."""
        async with self._world() as (kernel, workers, admin, store):
            case = await self._from_lane_to_lane(kernel, workers, admin, store)
            await self._after_a_hold(kernel, admin, store)
            await until(lambda: _all_said(admin), "all is told")
            refused = await admin.fetchval(REFUSED)
        return Verdict(two_at_once=await self._two_at_once(case), refused=refused)

    async def _from_lane_to_lane(self, kernel: Kernel, workers: Workers, admin: Any, store: Store) -> UUID:
        site = await world.add_site(store)
        first = _match(await self._therapist(store))
        again = _match((await self._therapist(store, site), site), case_id=first.case_id, attempt=2)
        await self._decide(kernel, admin, first)
        if self.loud:
            workers.kill(ONLINE)
        await _say(kernel, world.withdrawal(first))
        withdrawn = partial(admin.fetchval, WITHDRAWN, first.case_id)
        if not self.loud:
            await until(withdrawn, "the first is withdrawn")
        await self._decide(kernel, admin, again)
        if self.loud:
            workers.start([ONLINE])
        await until(withdrawn, "the first is withdrawn")
        return first.case_id

    async def _after_a_hold(self, kernel: Kernel, admin: Any, store: Store) -> MatchMade:
        therapist, start = await self._therapist(store), _tomorrow()
        await self._hold(store, therapist, start)
        async with self._hangs():
            await until(lambda: admin.fetchval(OVER if self.loud else ENDED), "the hold is over")
            wanted = _match(therapist, earliest=start, latest=start + timedelta(minutes=60))
            await self._decide(kernel, admin, wanted)
        return wanted

    async def _hold(self, store: Store, therapist: UUID, start: datetime) -> None:
        """For a case that had an hour once; all but a few seconds of its half an hour are over."""
        before = _match(await self._therapist(store))
        store.now = datetime.now(UTC) - timedelta(minutes=30) + timedelta(seconds=HELD_SECONDS)
        await store.handle(book_matches, [before])
        (row,) = await store.rows(
            "SELECT appointment_id FROM scheduling.appointments WHERE case_id = $1", before.case_id
        )
        async with store.transaction() as tx:
            await changing.cancel(tx, row["appointment_id"], COORDINATOR, "therapist_away", 1)
        wanted = Wanted(before.case_id, therapist, minute_of(start), "video", None, 30)
        keyed = KeyedRequest("POST /v1/holds", str(before.case_id), b"")
        async with store.transaction() as tx:
            await holding.hold(tx, wanted, COORDINATOR, keyed)

    @contextlib.asynccontextmanager
    async def _hangs(self) -> AsyncIterator[None]:
        """A sweeper that has claimed the hold and does not go on."""
        if not self.loud:
            yield
            return
        async with self._admin() as admin, admin.transaction():
            await admin.execute("SELECT FROM scheduling.due WHERE kind = 'hold_ends' FOR UPDATE")
            yield

    async def _therapist(self, store: Store, place: UUID | None = None) -> UUID:
        rules = [rule(day, "09:00", "17:00", place) for day in range(1, 8)]
        return await world.add_therapist(store, rules, notice=0)

    async def _decide(self, kernel: Kernel, admin: Any, match: MatchMade) -> None:
        await _say(kernel, match)
        await until(lambda: _decided(admin, match), f"attempt {match.attempt} is decided")

    async def _two_at_once(self, case: UUID) -> int:
        live, moments = set[UUID](), 0
        for event in (await told_of(self.bootstrap, [str(case)]))[str(case)].values():
            if isinstance(event, AppointmentBooked):
                live.add(event.appointment_id)
            elif isinstance(event, AppointmentCancelled):
                live.discard(event.appointment_id)
            moments += len(live) > 1
        return moments

    @contextlib.asynccontextmanager
    async def _world(self) -> AsyncIterator[tuple[Kernel, Workers, Any, Store]]:
        await migrate(self.database.dsn("matching"), schema="matching", folders=[MIGRATIONS])
        await ensure_topics(KafkaSettings(self.bootstrap), TOPICS)
        async with Workers(self.tree, self.folder, environment_of(self.database, self.bootstrap)) as workers:
            await workers.migrate()
            workers.start([ONLINE, IN_PERSON])
            dsn = self.database.dsn("scheduling")
            async with self._matching() as kernel, self._admin() as admin, open_store(dsn, admin) as store:
                store.now = datetime.now(UTC)
                yield kernel, workers, admin, store


async def _say(kernel: Kernel, *events: Event) -> None:
    async with kernel.database.transaction() as tx:
        tx.emit(events)


async def _decided(admin: Any, match: MatchMade) -> bool:
    return bool(await admin.fetchval(DECIDED, match.case_id) == match.attempt)


async def _all_said(admin: Any) -> bool:
    return bool(await admin.fetchval("SELECT count(*) FROM scheduling.outbox") == 0)


def _match(*candidates: Any, **changes: Any) -> MatchMade:
    now = datetime.now(UTC)
    return world.match(*candidates, **{"earliest": now, "latest": now + timedelta(days=20)} | changes)


def _tomorrow() -> datetime:
    """At ten in Karachi."""
    return datetime.now(UTC).replace(hour=5, minute=0, second=0, microsecond=0) + timedelta(days=1)
