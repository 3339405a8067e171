"""Anything in any order, one step at a time, on real Postgres: always as the diary on paper says."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import UUID, uuid4

import asyncpg
import uvloop
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from deploy.local.postgres import PostgresServer
from services.scheduling.domain.availability import Need
from services.scheduling.domain.calendars import Rule
from services.scheduling.domain.changes import Caller, Move
from services.scheduling.domain.refusals import Refused
from services.scheduling.domain.wall_time import moment_of
from services.scheduling.handlers import changing, places
from services.scheduling.handlers.listing import open_slots
from services.scheduling.repository.places import Room
from shared.contracts.base import Event
from shared.contracts.intake import ConsentChanged
from shared.contracts.matching import MatchAttendee, MatchMade
from tests.scheduling import world
from tests.scheduling.diary_model import HORIZON, NOTICE, NOW_MINUTE, DiaryModel, Hours
from tests.scheduling.store import NOW, Store, open_store

R = TypeVar("R")
BOUNDED = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
COORDINATOR = Caller("coordinator", "staff-1")
LIVE = """
SELECT appointment_id, case_id, attempt, version, therapist_id, site_id, room_id, starts_at
FROM scheduling.appointments WHERE state = 'booked'
"""
Asked = tuple[int, int, bool, bool, int]
cases = st.integers(0, 4)
# Of a case: how much higher the attempt is, in person, with the therapists turned round, how urgent.
one_match = st.tuples(
    cases, st.sampled_from([1, 1, 1, 0, 2]), st.booleans(), st.booleans(), st.integers(0, 2)
)
batches = st.lists(one_match, min_size=2, max_size=4, unique_by=lambda one: one[0])
spans = st.sampled_from([(0, 9), (0, 3), (2, 4), (6, 30)])


class Days(RuleBasedStateMachine):
    """Five cases, two therapists, one site with two rooms."""

    def __init__(self, runner: asyncio.Runner, store: Store) -> None:
        super().__init__()
        self.runner, self.store = runner, store
        self.heard: list[Event] = []
        self.seconds = 0
        self.cases = [uuid4() for _ in range(5)]
        people = [MatchAttendee(attendee_id=uuid4(), person_id=uuid4()) for _ in range(5)]
        self.attendees = [(one,) for one in people]
        self.attendees[1] = tuple(people[:2])  # who comes with the first
        self.run(self._open())

    def run(self, work: Coroutine[Any, Any, R]) -> R:
        return self.runner.run(work)

    def transact(self, use_case: Any, **given: Any) -> Any:
        """What a use case answers, in a transaction of its own."""

        async def once() -> Any:
            async with self.store.transaction() as tx:
                return await use_case(tx, **given)

        return self.run(once())

    async def _open(self) -> None:
        site = await world.add_site(self.store, rooms=2)
        rooms = await self.store.rows("SELECT room_id FROM scheduling.rooms ORDER BY room_id")
        self.model = DiaryModel(site, {row["room_id"]: True for row in rooms}, {})
        for _ in range(2):
            hours = Hours()
            therapist = await world.add_therapist(
                self.store, self._rules(hours), horizon=HORIZON, notice=NOTICE, weekly_limit=hours.limit
            )
            self.model.therapists[therapist] = hours

    def _rules(self, hours: Hours) -> list[Rule]:
        site = self.model.site
        return [
            Rule(day, hours.opens, hours.closes, "in_person" if at else "online", at)
            for day in range(1, 6)
            for at in (None, site)
        ]

    def _hear(self, *events: Event) -> None:
        self.heard += events
        self.run(self.store.hear(*events))

    @initialize(asked=batches, minutes=st.sampled_from([30, 50]))
    def people_have_hours(self, asked: Sequence[Asked], minutes: int) -> None:
        self._come(asked, minutes, (0, 9))

    @rule(asked=batches, minutes=st.sampled_from([30, 50, 90]), days=spans)
    def matches_come(self, asked: Sequence[Asked], minutes: int, days: tuple[int, int]) -> None:
        self._come(asked, minutes, days)

    @rule(asked=one_match, days=spans)
    def the_next_attempt_comes(self, asked: Asked, days: tuple[int, int]) -> None:
        self._come([asked], 50, days)

    def _come(self, asked: Sequence[Asked], minutes: int, days: tuple[int, int]) -> None:
        batch = [self._match(*one, minutes=minutes, days=days) for one in asked]
        self._hear(*batch)
        self.model.book(batch)

    def _match(
        self, case: int, later: int, in_person: bool, turned: bool, priority: int, **of: Any
    ) -> MatchMade:
        case_id = self.cases[case]
        order = list(self.model.therapists)[:: -1 if turned else 1]
        first, last = of["days"]
        return world.match(
            *((one, self.model.site) if in_person else one for one in order),
            case_id=case_id, attempt=max(1, self.model.decided.get(case_id, 0) + later), priority=priority,
            attendees=self.attendees[case], minutes=of["minutes"],
            earliest=NOW + timedelta(days=first), latest=NOW + timedelta(days=last),
        )  # fmt: skip

    @precondition(lambda self: self.heard)
    @rule(data=st.data())
    def something_is_told_again(self, data: st.DataObject) -> None:
        event = data.draw(st.sampled_from(self.heard))
        self._hear(event)
        if isinstance(event, MatchMade):
            self.model.book([event])

    @precondition(lambda self: self.model.decided)
    @rule(case=cases, attempt=st.integers(-1, 1))
    def a_match_is_withdrawn(self, case: int, attempt: int) -> None:
        case_id = self.cases[case]
        made = world.match(uuid4(), case_id=case_id)
        withdrawal = world.withdrawal(made, attempt=max(1, self.model.decided.get(case_id, 0) + attempt))
        self._hear(withdrawal)
        self.model.withdraw(withdrawal)

    @rule(case=cases, given=st.booleans())
    def consent_changes(self, case: int, given: bool) -> None:
        self.seconds += 1
        case_id = self.cases[case]
        self.run(
            self.store.hear(
                ConsentChanged(
                    person_id=uuid4(), case_ids=(case_id,), purpose="care",
                    state="given" if given else "withdrawn", text_version="1",
                    changed_at=NOW + timedelta(seconds=self.seconds),
                )
            )
        )  # fmt: skip
        if given:
            self.model.resume(case_id)
        else:
            self.model.stopped.add(case_id)

    def _one_that_stands(self, data: st.DataObject) -> tuple[UUID, dict[str, Any]]:
        case = data.draw(st.sampled_from([one for one in self.cases if one in self.model.kept]))
        (row,) = self.run(self.store.rows(f"{LIVE} AND case_id = $1", case))
        return case, row

    @precondition(lambda self: self.model.kept)
    @rule(data=st.data(), stale=st.integers(0, 4))
    def an_hour_is_cancelled(self, data: st.DataObject, stale: int) -> None:
        case, row = self._one_that_stands(data)
        cancel = partial(
            self.transact, changing.cancel, appointment_id=row["appointment_id"], caller=COORDINATOR,
            reason="cannot_come",
        )  # fmt: skip
        if stale == 0:
            assert refusal(partial(cancel, seen=row["version"] - 1)) == "stale_version"
            return
        for seen in (row["version"], None):  # and once more
            assert cancel(seen=seen).state == "cancelled"
        del self.model.kept[case]

    @precondition(lambda self: self.model.kept)
    @rule(data=st.data(), day=st.integers(0, 9), quarter=st.integers(-4, 12))
    def an_hour_is_moved(self, data: st.DataObject, day: int, quarter: int) -> None:
        case, row = self._one_that_stands(data)
        anywhere = NOW_MINUTE + max(15, day * 1440 + quarter * 15)
        start = data.draw(st.sampled_from([anywhere, *self.model.other_starts(case)]))
        move = partial(
            self.transact, changing.reschedule, appointment_id=row["appointment_id"], caller=COORDINATOR,
            move=Move(start), seen=row["version"],
        )  # fmt: skip
        if self.model.move(case, start):
            assert move().start == start
        else:
            assert refusal(move) == "slot_taken"

    @rule(which=st.integers(0, 1), limit=st.integers(0, 4), active=st.sampled_from([True, True, False]))
    def news_of_a_therapist(self, which: int, limit: int, active: bool) -> None:
        self.seconds += 1
        therapist, hours = list(self.model.therapists.items())[which]
        at = NOW + timedelta(seconds=self.seconds)
        status = "active" if active else "suspended"
        self.run(
            self.store.hear(world.therapist(therapist, weekly_limit=limit, status=status, changed_at=at))
        )
        hours.limit, hours.active = limit, active

    @rule(
        which=st.integers(0, 1),
        opens=st.sampled_from([540, 570, 600]),
        closes=st.sampled_from([660, 720]),
        buffer=st.sampled_from([0, 10, 25]),
    )
    def a_calendar_changes(self, which: int, opens: int, closes: int, buffer: int) -> None:
        therapist, hours = list(self.model.therapists.items())[which]
        hours.opens, hours.closes, hours.buffer = opens, closes, buffer
        standing = self.transact(places.show_calendar, therapist_id=therapist)
        wanted = world.calendar(therapist, self._rules(hours), buffer=buffer, horizon=HORIZON, notice=NOTICE)
        self.transact(places.save_calendar, wanted=wanted, seen=standing.version)

    @rule(which=st.integers(0, 1))
    def a_room_is_closed_or_opened(self, which: int) -> None:
        room = list(self.model.rooms)[which]
        self.model.rooms[room] = not self.model.rooms[room]
        status = "open" if self.model.rooms[room] else "closed"
        _, version = self.transact(places.show_room, room_id=room)
        self.transact(places.save_room, room_id=room, room=Room(self.model.site, status), seen=version)

    @rule(which=st.integers(0, 1), case=cases, in_person=st.booleans(), length=st.sampled_from([30, 50]))
    def open_hours_are_listed(self, which: int, case: int, in_person: bool, length: int) -> None:
        therapist = list(self.model.therapists)[which]
        people = tuple(one.person_id for one in self.attendees[case])
        need = Need("in_person" if in_person else "online", length, people, 0, NOW_MINUTE + 30 * 1440)
        listed = self.transact(open_slots, therapist_ids=[therapist], site_ids=[], need=need, most=9)
        site = self.model.site if in_person else None
        expected = list(self.model.starts(therapist, site, people, length))
        assert [(one.start, one.site_id) for one in listed.slots] == [(one, site) for one in expected[:9]]

    @invariant()
    def it_is_as_on_paper(self) -> None:
        rows = self.run(self.store.rows(LIVE))
        booked = {
            row["case_id"]: (
                row["attempt"], row["version"], row["therapist_id"], row["site_id"], row["room_id"], row["starts_at"],
            )
            for row in rows
        }  # fmt: skip
        assert booked == {
            case: (one.attempt, one.version, one.therapist, one.site, one.room, moment_of(one.start))
            for case, one in self.model.kept.items()
        }
        assert self.run(self.store.wrong()) == []

    def teardown(self) -> None:
        self.run(self.store.empty())


def refusal(use_case: Any) -> str:
    """Why it is refused."""
    try:
        use_case()
    except Refused as refused:
        return refused.code
    return "not refused"


def test_whatever_happens_it_is_as_the_diary_on_paper_says(
    postgres_server: PostgresServer, migrated: str
) -> None:
    async def opened(stack: AsyncExitStack) -> Store:
        admin = await asyncpg.connect(postgres_server.dsn(migrated))
        stack.push_async_callback(admin.close)
        dsn = postgres_server.dsn(migrated, "scheduling")
        store = await stack.enter_async_context(open_store(dsn, admin))
        await store.empty()
        return store

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        stack = AsyncExitStack()
        try:
            store = runner.run(opened(stack))
            run_state_machine_as_test(lambda: Days(runner, store), settings=BOUNDED)
        finally:
            runner.run(stack.aclose())
