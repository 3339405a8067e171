"""Many at once on real connections: nobody gets an hour twice, nobody is forgotten, no deadlock is shown."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from uuid import UUID

import asyncpg
import pytest

from services.scheduling.domain.changes import Caller
from services.scheduling.domain.refusals import Refused
from services.scheduling.domain.wall_time import minute_of
from services.scheduling.handlers import changing
from services.scheduling.handlers.matches import book_matches, withdraw_matches
from services.scheduling.repository.diary import Contended
from services.scheduling.repository.turns import turns
from shared.contracts.scheduling import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentRescheduled,
    SlotNotFound,
)
from shared.messaging import Transaction
from shared.messaging.failures import is_transient
from tests.scheduling import world
from tests.scheduling.reference import rule
from tests.scheduling.rush import Rush, hold
from tests.scheduling.store import NOW, Store

COORDINATOR = Caller("coordinator", "staff-1")
MONDAY_NOON = NOW + timedelta(hours=2)


@asynccontextmanager
async def stranger(store: Store) -> AsyncIterator[asyncpg.Connection]:
    """Somebody with the service's own rights and none of its manners, in an open transaction."""
    connection = await asyncpg.connect(store.dsn)
    try:
        await connection.execute("BEGIN")
        yield connection
    finally:
        await connection.close()


async def until_blocked_by(store: Store, holder: asyncpg.Connection) -> None:
    """Waits until somebody waits for this one."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))"
    while not await store.admin.fetchval(query, holder.get_server_pid()):
        await asyncio.sleep(0.005)


async def test_an_hour_that_is_taken_between_look_and_insert_is_not_taken_again(store: Store) -> None:
    therapist = await world.add_therapist(store)
    async with stranger(store) as first:
        await hold(first, therapist, MONDAY_NOON)
        booking = asyncio.create_task(store.hear(world.match(therapist), world.match(therapist)))
        await until_blocked_by(store, first)
        await first.execute("COMMIT")
        await booking
    booked = sorted(world.local(one.start) for one in await store.said(AppointmentBooked))
    assert booked == ["Mon 13:00", "Mon 14:15"]


async def test_an_hour_that_is_only_tried_for_is_booked(store: Store) -> None:
    therapist = await world.add_therapist(store)
    async with stranger(store) as first:
        await hold(first, therapist, MONDAY_NOON)
        booking = asyncio.create_task(store.hear(world.match(therapist)))
        await until_blocked_by(store, first)
        await first.execute("ROLLBACK")
        await booking
    assert [world.local(one.start) for one in await store.said(AppointmentBooked)] == ["Mon 12:00"]


@pytest.mark.parametrize("in_turn", [False, True])
async def test_after_three_rounds_the_whole_transaction_is_tried_again(store: Store, in_turn: bool) -> None:
    therapist = await world.add_therapist(store)
    made = world.match(therapist)
    async with stranger(store) as one, stranger(store) as two, stranger(store) as three:
        for place, taker in enumerate((one, two, three)):
            await hold(taker, therapist, MONDAY_NOON + timedelta(hours=place))
        book = partial(store.handle, book_matches, [made])
        if in_turn:
            use_case: Callable[[Transaction], Awaitable[None]] = partial(book_matches, [made])
            book = partial(turns(store.database), use_case)
        booking = asyncio.create_task(book())
        for taker in (one, two, three):
            await until_blocked_by(store, taker)
            await taker.execute("COMMIT")
        if in_turn:
            await booking
        else:
            with pytest.raises(Contended) as contended:
                await booking
            assert is_transient(contended.value)
    booked = [world.local(said.start) for said in await store.said(AppointmentBooked)]
    assert booked == (["Mon 15:00"] if in_turn else [])


async def test_of_two_lanes_that_want_the_same_therapist_the_second_sees_what_the_first_took(
    store: Store,
) -> None:
    site = await world.add_site(store)
    therapist = await world.add_therapist(store, [rule(1, "12:00", "14:15"), rule(1, "12:00", "14:15", site)])
    online, in_person = world.match(therapist), world.match((therapist, site))
    async with store.transaction() as first:
        await book_matches([online], first)
        second = asyncio.create_task(store.hear(in_person))
        await asyncio.sleep(0)
        query = "SELECT count(*) FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0"
        while not await store.admin.fetchval(query):
            await asyncio.sleep(0.005)
    await second
    assert [(one.lane, world.local(one.start)) for one in await store.said(AppointmentBooked)] == [
        ("online", "Mon 12:00"),
        ("in_person", "Mon 13:15"),
    ]


async def test_two_attempts_of_one_case_on_two_lanes_at_once_leave_one_appointment(store: Store) -> None:
    site = await world.add_site(store)
    at_site = await world.add_therapist(store, [rule(d, "09:00", "17:00", site) for d in range(1, 6)])
    online = await world.add_therapist(store)
    older = [world.match((at_site, site)) for _ in range(8)]
    newer = [world.match(online, case_id=one.case_id, attempt=2, attendees=one.attendees) for one in older]
    await asyncio.gather(*(store.hear(one) for pair in zip(older, newer, strict=True) for one in pair))
    rows = await store.rows("SELECT attempt FROM scheduling.appointments WHERE state = 'booked'")
    assert [row["attempt"] for row in rows] == [2] * 8


async def test_two_who_want_the_last_hour_get_one_booking_and_one_clear_answer(store: Store) -> None:
    therapist = await world.add_therapist(store, [rule(1, "12:00", "13:00"), rule(2, "09:00", "17:00")])
    movers = [world.match(therapist, earliest=NOW + timedelta(days=1)) for _ in range(4)]
    await store.hear(*movers)
    hours = await store.said(AppointmentBooked)
    in_turn = turns(store.database)

    async def move(appointment_id: UUID) -> str:
        try:
            await in_turn(
                lambda tx: changing.reschedule(tx, appointment_id, COORDINATOR, minute_of(MONDAY_NOON), 1)
            )
        except Refused as refused:
            return refused.code
        return "moved"

    answers = await asyncio.gather(*(move(hour.appointment_id) for hour in hours))
    assert sorted(answers) == ["moved", "slot_taken", "slot_taken", "slot_taken"]


async def test_those_who_keep_to_the_protocol_never_meet_in_a_deadlock(store: Store) -> None:
    site = await world.add_site(store, rooms=2)
    rules = [one for day in range(1, 6) for at in (None, site) for one in [rule(day, "09:00", "17:00", at)]]
    wanted = [await world.add_therapist(store, rules) for _ in range(3)]
    people = [world.match(wanted[0]).attendees for _ in range(12)]  # whom nobody has met yet
    in_turn = turns(store.database)
    met: list[str] = []

    async def book(turn: int) -> None:
        order = wanted[turn % 3 :] + wanted[: turn % 3]
        candidates = order if turn % 2 else [(one, site) for one in order]
        batch = [world.match(*candidates, attendees=attendees) for attendees in people[turn % 4 :: 2]]
        await take_turn(partial(book_matches, batch if turn % 3 else batch[::-1]))
        for made in batch[::2]:
            await take_turn(partial(withdraw_matches, [world.withdrawal(made)]))

    async def take_turn(use_case: Callable[[Transaction], Awaitable[None]]) -> None:
        async def watched(tx: Transaction) -> None:
            try:
                await use_case(tx)
            except (asyncpg.DeadlockDetectedError, Contended) as failure:
                met.append(type(failure).__name__)
                raise

        await in_turn(watched)

    await asyncio.gather(*map(book, range(12)))
    assert met == []
    assert len(await store.said(AppointmentBooked)) > 40


@pytest.mark.parametrize("seed", [1, 2])
async def test_in_a_rush_nobody_is_booked_twice_and_nobody_is_forgotten(store: Store, seed: int) -> None:
    rush = Rush(store, seed)
    await rush.prepare()
    await rush.run()
    assert await store.wrong() == []
    assert rush.strange > 0
    booked, missed = await store.said(AppointmentBooked), await store.said(SlotNotFound)
    decided = Counter((one.case_id, one.attempt) for one in (*booked, *missed))
    assert set(decided.values()) == {1}
    for case_id, attempt in rush.highest.items():
        if rush.withdrawn.get(case_id, 0) < attempt:
            assert decided[case_id, attempt] == 1
    live = await store.rows("SELECT case_id, attempt FROM scheduling.appointments WHERE state = 'booked'")
    for row in live:
        assert row["attempt"] == rush.highest[row["case_id"]] > rush.withdrawn.get(row["case_id"], 0)


async def test_in_a_rush_every_change_is_told_once_and_in_order(store: Store) -> None:
    rush = Rush(store, 3)
    await rush.prepare()
    await rush.run()
    told: dict[UUID, list[int]] = {}
    for one in await store.said(AppointmentBooked, AppointmentRescheduled, AppointmentCancelled):
        told.setdefault(one.appointment_id, []).append(one.version)
    rows = await store.rows("SELECT appointment_id, version FROM scheduling.appointments")
    assert told == {row["appointment_id"]: list(range(1, row["version"] + 1)) for row in rows}
    assert max(map(len, told.values())) > 1
    gaps = await store.rows(
        "SELECT topic, key FROM scheduling.outbox GROUP BY topic, key HAVING max(sequence) <> count(*)"
    )
    assert gaps == []
