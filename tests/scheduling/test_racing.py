"""Many at once on real connections: nobody gets an hour twice, nobody is forgotten, no deadlock is shown."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.scheduling.domain.changes import Caller, Move
from services.scheduling.domain.refusals import Refused
from services.scheduling.domain.wall_time import minute_of
from services.scheduling.handlers import changing, knowing, places
from services.scheduling.handlers.matches import book_matches, withdraw_matches
from services.scheduling.repository import resources
from services.scheduling.repository.diary import Contended
from services.scheduling.repository.places import Room
from services.scheduling.repository.turns import turns
from shared.contracts.intake import ConsentChanged
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
from tests.scheduling.rush import Rush, all_at_once, hold
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


async def until_it_waits(store: Store, task: asyncio.Task[Any], holder: int | None = None) -> None:
    """Waits until the task waits for a lock; one of that backend, if it is given."""
    query = """
        SELECT count(*) FROM pg_stat_activity
        WHERE cardinality(pg_blocking_pids(pid)) > 0 AND coalesce($1 = ANY (pg_blocking_pids(pid)), true)
    """
    while not await store.admin.fetchval(query, holder):
        assert not task.done(), "it waited for nobody"
        await asyncio.sleep(0.005)


async def test_an_hour_that_is_taken_between_look_and_insert_is_not_taken_again(store: Store) -> None:
    therapist = await world.add_therapist(store)
    async with stranger(store) as first:
        await hold(first, therapist, MONDAY_NOON)
        booking = asyncio.create_task(store.hear(world.match(therapist), world.match(therapist)))
        await until_it_waits(store, booking)
        await first.execute("COMMIT")
        await booking
    booked = sorted(world.local(one.start) for one in await store.said(AppointmentBooked))
    assert booked == ["Mon 13:00", "Mon 14:15"]


async def test_an_hour_that_is_only_tried_for_is_booked(store: Store) -> None:
    therapist = await world.add_therapist(store)
    async with stranger(store) as first:
        await hold(first, therapist, MONDAY_NOON)
        booking = asyncio.create_task(store.hear(world.match(therapist)))
        await until_it_waits(store, booking)
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
            await until_it_waits(store, booking, taker.get_server_pid())
            await taker.execute("COMMIT")
        if in_turn:
            await booking
        else:
            with pytest.raises(Contended) as contended:
                await booking
            assert is_transient(contended.value)
    booked = [world.local(said.start) for said in await store.said(AppointmentBooked)]
    assert booked == (["Mon 15:00"] if in_turn else [])


async def meanwhile(store: Store, first: Callable[[Transaction], Awaitable[Any]], second: Any) -> None:
    """The second comes while the first is not yet committed, and waits for it."""
    async with store.transaction() as tx:
        await first(tx)
        waits = asyncio.create_task(second)
        await until_it_waits(store, waits)
    await waits


async def test_of_two_lanes_that_want_the_same_therapist_the_second_sees_what_the_first_took(
    store: Store,
) -> None:
    site = await world.add_site(store)
    therapist = await world.add_therapist(store, [rule(1, "12:00", "14:15"), rule(1, "12:00", "14:15", site)])
    online, in_person = world.match(therapist), world.match((therapist, site))
    await meanwhile(store, partial(book_matches, [online]), store.hear(in_person))
    assert [(one.lane, world.local(one.start)) for one in await store.said(AppointmentBooked)] == [
        ("online", "Mon 12:00"),
        ("in_person", "Mon 13:15"),
    ]


async def test_a_withdrawal_that_comes_while_its_match_is_booked_gives_the_hour_back(store: Store) -> None:
    made = world.match(await world.add_therapist(store))
    await meanwhile(store, partial(book_matches, [made]), store.hear(world.withdrawal(made)))
    said = await store.said(AppointmentBooked, AppointmentCancelled)
    assert [type(one) for one in said] == [AppointmentBooked, AppointmentCancelled]


async def test_a_match_that_comes_while_it_is_withdrawn_books_nothing(store: Store) -> None:
    made = world.match(await world.add_therapist(store))
    await meanwhile(store, partial(withdraw_matches, [world.withdrawal(made)]), store.hear(made))
    assert await store.said() == []


async def test_a_match_that_comes_while_consent_is_taken_back_waits(store: Store) -> None:
    made = world.match(await world.add_therapist(store))
    stop = ConsentChanged(
        person_id=made.attendees[0].person_id, case_ids=(made.case_id,), purpose="care", state="withdrawn",
        text_version="1", changed_at=NOW,
    )  # fmt: skip
    await meanwhile(store, partial(knowing.follow_consent, [stop]), store.hear(made))
    assert await store.said() == []
    assert await store.count("waiting") == 1


@pytest.mark.parametrize("news_first", [True, False])
async def test_no_match_waits_for_news_that_come_at_the_same_moment(store: Store, news_first: bool) -> None:
    news = world.therapist(uuid4())
    made = world.match(news.therapist_id)
    async with store.transaction() as tx:
        await places.save_calendar(tx, world.calendar(news.therapist_id), None)
    if news_first:
        await meanwhile(store, partial(knowing.record_therapists, [news]), store.hear(made))
    else:
        await meanwhile(store, partial(book_matches, [made]), store.hear(news))
    assert [one.case_id for one in await store.said(AppointmentBooked)] == [made.case_id]
    assert await store.count("waiting") == 0


@pytest.mark.parametrize("closes", ["site", "room", "calendar"])
async def test_what_closes_while_a_match_comes_takes_it_no_more(store: Store, closes: str) -> None:
    site = await world.add_site(store)
    (room,) = await store.rows("SELECT room_id FROM scheduling.rooms")
    therapist = await world.add_therapist(store, [rule(1, "12:00", "14:00", site)])
    closed = replace(world.SITE, status="closed")
    without = replace(world.calendar(therapist), rules=())
    close: dict[str, Callable[[Transaction], Awaitable[Any]]] = {
        "site": partial(places.save_site, site_id=site, site=closed, seen=1),
        "room": partial(places.save_room, room_id=room["room_id"], room=Room(site, "closed"), seen=1),
        "calendar": partial(places.save_calendar, wanted=without, seen=1),
    }
    await meanwhile(store, close[closes], store.hear(world.match((therapist, site))))
    assert [one.reason for one in await store.said(SlotNotFound)] == ["no_hour"]


async def test_an_hour_that_is_moved_while_it_is_cancelled_is_cancelled(store: Store) -> None:
    made = world.match(await world.add_therapist(store))
    await store.hear(made)
    (hour,) = await store.said(AppointmentBooked)
    cancel = partial(
        changing.cancel, appointment_id=hour.appointment_id, caller=COORDINATOR, reason="cannot_come", seen=1
    )

    async def move() -> None:
        with pytest.raises(Refused, match="stale_version"):
            async with store.transaction() as tx:
                await changing.reschedule(
                    tx, hour.appointment_id, COORDINATOR, Move(minute_of(MONDAY_NOON) + 60), 1
                )

    await meanwhile(store, cancel, move())
    assert await store.count("reservations") == 0


async def test_two_attempts_of_one_case_on_two_lanes_at_once_leave_one_appointment(store: Store) -> None:
    site = await world.add_site(store)
    at_site = await world.add_therapist(store, [rule(d, "09:00", "17:00", site) for d in range(1, 6)])
    online = await world.add_therapist(store)
    older = [world.match((at_site, site)) for _ in range(8)]
    newer = [world.match(online, case_id=one.case_id, attempt=2, attendees=one.attendees) for one in older]
    await all_at_once(store.hear(one) for pair in zip(older, newer, strict=True) for one in pair)
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
                lambda tx: changing.reschedule(
                    tx, appointment_id, COORDINATOR, Move(minute_of(MONDAY_NOON)), 1
                )
            )
        except Refused as refused:
            return refused.code
        return "moved"

    answers = await all_at_once(move(hour.appointment_id) for hour in hours)
    assert sorted(answers) == ["moved", "slot_taken", "slot_taken", "slot_taken"]


async def test_those_who_keep_to_the_protocol_never_meet_in_a_deadlock(store: Store) -> None:
    site = await world.add_site(store, rooms=2)
    rules = [one for day in range(1, 6) for at in (None, site) for one in [rule(day, "09:00", "17:00", at)]]
    wanted = [await world.add_therapist(store, rules) for _ in range(3)]
    cases = [world.match(wanted[0]) for _ in range(12)]  # whom nobody has met yet
    in_turn = turns(store.database)
    met: list[str] = []

    async def book(attempt: int) -> None:
        order = wanted[attempt % 3 :] + wanted[: attempt % 3]
        candidates = order if attempt % 2 else [(one, site) for one in order]
        mine = random.Random(attempt).sample(cases, 8)
        batch = [
            world.match(*candidates, case_id=one.case_id, attendees=one.attendees, attempt=attempt)
            for one in mine
        ]
        await take_turn(partial(book_matches, batch))
        await take_turn(partial(withdraw_matches, [world.withdrawal(made) for made in batch[::-3]]))

    async def take_turn(use_case: Callable[[Transaction], Awaitable[None]]) -> None:
        async def watched(tx: Transaction) -> None:
            try:
                await use_case(tx)
            except (asyncpg.DeadlockDetectedError, Contended) as failure:
                met.append(type(failure).__name__)
                raise

        await in_turn(watched)

    await all_at_once(map(book, range(1, 17)))
    assert met == []
    assert len(await store.said(AppointmentBooked)) > 20


@pytest.mark.parametrize("change", ["cancel", "move", "withdraw", "supersede"])
@pytest.mark.parametrize("resource", ["therapist_id", "room_id", "person"])
async def test_whoever_changes_an_appointment_waits_for_all_that_it_has(
    store: Store, change: str, resource: str
) -> None:
    site = await world.add_site(store)
    made = world.match((await world.add_therapist(store, [rule(1, "12:00", "17:00", site)]), site))
    other = await world.add_therapist(store)
    await store.hear(made)
    (hour,) = await store.said(AppointmentBooked)
    newer = world.match(other, case_id=made.case_id, attempt=2)
    id_, start = hour.appointment_id, minute_of(hour.start) + 60

    async def change_it() -> None:
        async with store.transaction() as tx:
            match change:
                case "cancel":
                    await changing.cancel(tx, id_, COORDINATOR, "cannot_come", 1)
                case "move":
                    await changing.reschedule(tx, id_, COORDINATOR, Move(start), 1)
                case "withdraw":
                    await withdraw_matches([world.withdrawal(made)], tx)
                case "supersede":
                    await book_matches([newer], tx)

    has = hour.attendees[0].person_id if resource == "person" else getattr(hour, resource)
    await meanwhile(store, partial(resources.lock, wanted={}, existing={has}), change_it())
    assert len(await store.said(AppointmentBooked)) == 1 + (change == "supersede")


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
