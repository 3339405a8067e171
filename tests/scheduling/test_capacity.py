"""What is said of a therapist's free hours: never more than could be booked, told when it changed, and not else."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from services.scheduling.domain.availability import Board, Need, Therapist
from services.scheduling.domain.booking import Candidate, Hour, Wish, decide
from services.scheduling.domain.calendars import Calendar, Rule
from services.scheduling.domain.capacity import HORIZON_DAYS, LENGTH, day_part, free_of
from services.scheduling.domain.changes import Caller, Move
from services.scheduling.domain.weeks import monday_of
from services.scheduling.handlers import capacity, changing, knowing, matches, places
from services.scheduling.handlers.capacity import DUE_HANDLERS, tell_capacity, tell_risen
from services.scheduling.repository import diary
from services.scheduling.repository.capacity import CHANGED
from services.scheduling.repository.places import Room
from shared.contracts.matching import Candidate as Asked
from shared.contracts.matching import MatchMade
from shared.contracts.scheduling import CapacityChanged
from shared.messaging import Due
from shared.messaging.due_loop import DueLoop
from tests.scheduling import strategies, world
from tests.scheduling.reference import minute, rule
from tests.scheduling.store import NOW, Store

MONDAY = date(2026, 11, 23)
WEEKS_THAT_ARE_OVER = """
INSERT INTO scheduling.weekly_load (therapist_id, week, used, most)
SELECT gen_random_uuid(), $1::date - 7 * w, 0, 18 FROM generate_series(2, 300) AS w, generate_series(1, 30)
"""


def booked_one_by_one(board: Board, therapist: UUID, lane: Any, site: UUID | None) -> list[Hour]:
    """Every hour that can really be had, taken with the code that books."""
    until = board.now + HORIZON_DAYS * 1440
    hours: list[Hour] = []
    while True:
        wish = Wish(
            UUID(int=len(hours)),
            (Candidate(therapist, (site,) if site else ()),),
            Need(lane, LENGTH, (), board.now, until),
        )
        (outcome,) = decide([wish], board)
        if not isinstance(outcome, Hour):
            return hours
        hours.append(outcome)


@given(strategies.boards(), st.sampled_from(strategies.SITES))
def test_what_is_said_to_be_free_is_what_can_be_booked(board: Board, site: UUID) -> None:
    therapist = board.therapists[strategies.THERAPISTS[0]]
    assert therapist.calendar is not None
    said = free_of(therapist, board)
    places_of: list[tuple[Any, UUID | None]] = [("online", None), ("in_person", site)]
    for lane, place in places_of:
        afresh = Board(board.now, board.therapists, board.rooms, board.busy, dict(board.used))
        had: dict[tuple[date, str], int] = {}
        for hour in booked_one_by_one(afresh, therapist.id, lane, place):
            part = (monday_of(hour.week), day_part(therapist.calendar.time_zone, hour.start))
            had[part] = had.get(part, 0) + LENGTH
        of_place = {(f.week, f.day_part): f.minutes for f in said if (f.lane, f.site_id) == (lane, place)}
        event(f"{lane}: {'some' if had else 'none'}")
        assert of_place == had


def test_the_end_of_a_full_week_takes_nothing_from_the_next_one() -> None:
    one = strategies.THERAPISTS[0]
    # Sunday the whole day and the first hour of Monday: at a quarter to midnight of a Sunday that is full anyway a start
    # would leave nothing of that hour.
    hours = (Rule(7, 0, 1440, "online", None), Rule(1, 0, 60, "online", None))
    now = minute(2026, 11, 28, 12)
    calendar = Calendar(one, 1, "Asia/Karachi", 10, 0, 6, hours)
    board = Board(now, {one: Therapist(one, "network", True, 1, calendar)}, {}, {}, {})
    said = [(free.week, free.minutes) for free in free_of(board.therapists[one], board)]
    booked = [(monday_of(hour.week), LENGTH) for hour in booked_one_by_one(board, one, "online", None)]
    assert said == booked
    assert booked == [(MONDAY, LENGTH), (MONDAY + timedelta(weeks=1), LENGTH)]


@given(strategies.boards())
def test_nobody_is_said_to_be_free_beyond_the_weekly_limit(board: Board) -> None:
    for therapist in board.therapists.values():
        weeks: dict[tuple[Any, date], int] = {}
        for free in free_of(therapist, board):
            weeks[(free.lane, free.site_id), free.week] = (
                weeks.get(((free.lane, free.site_id), free.week), 0) + free.minutes
            )
        assert all(minutes <= therapist.weekly_limit * LENGTH for minutes in weeks.values())
        assert therapist.active or not weeks


def test_the_day_has_three_parts_on_the_wall_of_the_calendar() -> None:
    noon, five = minute(2026, 11, 23, 7), minute(2026, 11, 23, 12)  # in Karachi 12:00 and 17:00
    parts = [day_part("Asia/Karachi", at) for at in (noon - 1, noon, five - 1, five)]
    assert parts == ["morning", "afternoon", "afternoon", "evening"]


async def tell(store: Store) -> list[CapacityChanged]:
    """One turn of the clock: what was said in it. The next turn begins where this one left off."""
    due = await store.rows("SELECT body FROM scheduling.due WHERE kind = 'capacity'")
    body = due[0]["body"] if due else '{"since": "0"}'
    said = len(await store.said(CapacityChanged))
    async with store.transaction() as tx:
        await tell_capacity([Due("capacity", "all", store.now, orjson.loads(body))], tx)
    return (await store.said(CapacityChanged))[said:]


def minutes_of(said: Sequence[CapacityChanged]) -> list[int]:
    return [sum(free.minutes for free in one.free) for one in said]


async def test_what_is_free_is_told_once_and_again_when_an_hour_is_taken_or_given_back(store: Store) -> None:
    therapist = await world.add_therapist(store, [rule(1, "14:00", "17:00")], horizon=7)
    (first,) = await tell(store)
    # Notice is two hours, it is 10:00: 14:00, 15:10 and 16:05 would touch, so two of fifty minutes with buffers.
    assert [(f.lane, f.week, f.day_part, f.minutes) for f in first.free] == [
        ("online", MONDAY, "afternoon", 100),
    ]
    assert await tell(store) == []

    made = world.match(therapist)
    await store.handle(matches.book_matches, [made])
    assert minutes_of(await tell(store)) == [50]
    assert await tell(store) == []
    await store.handle(matches.withdraw_matches, [world.withdrawal(made)])
    assert minutes_of(await tell(store)) == [100]


async def test_a_change_that_was_under_way_at_the_last_look_is_told_by_the_next(store: Store) -> None:
    therapist = await world.add_therapist(store, [rule(1, "14:00", "17:00")], horizon=7)
    assert minutes_of(await tell(store)) == [100]
    async with store.transaction() as slow:
        await matches.book_matches([world.match(therapist)], slow)
        other = await world.add_therapist(store, [rule(2, "14:00", "15:00")], horizon=7)
        assert [one.therapist_id for one in await tell(store)] == [other]
    assert [one.therapist_id for one in await tell(store)] == [therapist]


async def test_a_look_reads_none_of_the_weeks_that_are_over_however_many_they_are(store: Store) -> None:
    therapist = await world.add_therapist(store, [rule(1, "14:00", "17:00")], horizon=7)
    await store.handle(matches.book_matches, [world.match(therapist)])
    await store.admin.execute(WEEKS_THAT_ARE_OVER, MONDAY)
    await store.admin.execute("ANALYZE scheduling.weekly_load")
    weeks_ahead = MONDAY - timedelta(weeks=1)
    plan = await store.database.pool.fetch(
        f"EXPLAIN (ANALYZE) {CHANGED}", "0", NOW - timedelta(hours=6), 100, weeks_ahead
    )
    read = next(line for (line,) in plan if "on weekly_load" in line)
    assert "weekly_load_by_week" in "".join(line for (line,) in plan)
    assert "rows=1.00" in read.rpartition("(actual")[2]
    assert [one.therapist_id for one in await tell(store)] == [therapist]


async def test_a_full_therapist_is_told_with_nothing_free(store: Store) -> None:
    therapist = await world.add_therapist(store, [rule(1, "14:00", "15:00")], horizon=6)
    await tell(store)
    await store.handle(matches.book_matches, [world.match(therapist)])
    (said,) = await tell(store)
    assert said.free == ()


async def test_suspending_lowering_closing_and_time_itself_take_hours_away(store: Store) -> None:
    site = await world.add_site(store)
    (room,) = [r["room_id"] for r in await store.rows("SELECT room_id FROM scheduling.rooms")]
    hours = [rule(day, "14:00", "17:00", site) for day in (1, 2)]
    therapist = await world.add_therapist(store, hours, horizon=6)
    assert minutes_of(await tell(store)) == [200]

    lower = world.therapist(therapist, weekly_limit=3, changed_at=NOW)
    await store.handle(knowing.record_therapists, [lower])
    assert minutes_of(await tell(store)) == [150]
    async with store.transaction() as tx:
        await places.save_room(tx, room, Room(site, "closed"), 1)
    assert minutes_of(await tell(store)) == [0]
    async with store.transaction() as tx:
        await places.save_room(tx, room, Room(site, "open"), 2)
    assert minutes_of(await tell(store)) == [150]
    store.now = NOW + timedelta(days=1)
    assert minutes_of(await tell(store)) == [100]
    suspended = world.therapist(therapist, status="suspended", changed_at=store.now)
    await store.handle(knowing.record_therapists, [suspended])
    assert minutes_of(await tell(store)) == [0]


async def test_nobody_is_called_full_before_their_calendar_is_there(store: Store) -> None:
    therapist = uuid4()
    await store.handle(knowing.record_therapists, [world.therapist(therapist)])
    assert await tell(store) == []
    async with store.transaction() as tx:
        await places.save_calendar(tx, world.calendar(therapist, [rule(2, "09:00", "10:00")]), None)
    assert [one.therapist_id for one in await tell(store)] == [therapist]


async def at_once(store: Store) -> list[list[int]]:
    """What the kernel's own loop tells before the next turn of the clock: minutes by therapist, in order."""
    said = len(await store.said(CapacityChanged))
    loop, stop = DueLoop(store.database, DUE_HANDLERS), asyncio.Event()
    running = asyncio.create_task(loop.run(stop))
    await asyncio.sleep(0.6)
    stop.set()
    await running
    return [minutes_of([one]) for one in (await store.said(CapacityChanged))[said:]]


async def full(store: Store, **changes: Any) -> tuple[UUID, MatchMade]:
    """A therapist whose only hour is taken, as others know."""
    therapist = await world.add_therapist(store, [rule(1, "14:00", "15:00")], horizon=6, **changes)
    made = world.match(therapist)
    await store.hear(made)
    await tell(store)
    return therapist, made


@pytest.mark.parametrize("how", ["cancelled", "withdrawn", "moved away", "superseded", "raised", "widened"])
async def test_an_hour_where_there_was_none_is_told_at_once(store: Store, how: str) -> None:
    therapist, made = await full(store)
    (hour,) = await store.rows("SELECT appointment_id FROM scheduling.appointments")
    desk = Caller("coordinator", "staff-1")
    if how == "cancelled":
        async with store.transaction() as tx:
            await changing.cancel(tx, hour["appointment_id"], desk, "cannot_come", 1)
    elif how == "withdrawn":
        await store.hear(world.withdrawal(made))
    elif how == "superseded":
        other = await world.add_therapist(store, [rule(1, "14:00", "15:00")], horizon=6)
        await store.hear(made.model_copy(update={"attempt": 2, "candidates": (Asked(therapist_id=other),)}))
    elif how == "raised":
        wide = world.calendar(therapist, [rule(1, "14:00", "17:00")], horizon=6)
        await store.hear(world.therapist(therapist, weekly_limit=1, changed_at=NOW))
        async with store.transaction() as tx:
            await places.save_calendar(tx, wide, 1)
        await tell(store)
        await store.hear(world.therapist(therapist, weekly_limit=2, changed_at=NOW + timedelta(seconds=1)))
    else:
        wide = world.calendar(therapist, [rule(1, "14:00", "17:00"), rule(2, "14:00", "15:00")], horizon=6)
        async with store.transaction() as tx:
            await places.save_calendar(tx, wide, 1)
            if how == "moved away":
                start = minute(2026, 11, 24, 9)  # Tuesday 14:00 in Karachi
                await changing.reschedule(tx, hour["appointment_id"], desk, Move(start), 1)
    told = await at_once(store)
    assert [50] in told or [100] in told
    assert await at_once(store) == []
    assert await tell(store) == []


async def test_a_new_calendar_an_opened_room_and_a_resumed_therapist_are_told_at_once(store: Store) -> None:
    site = await world.add_site(store, rooms=0)
    therapist = await world.add_therapist(store, [rule(1, "14:00", "15:00", site)], horizon=6)
    assert await at_once(store) == [[0]]  # a calendar, and no room yet
    room = uuid4()
    async with store.transaction() as tx:
        await places.save_room(tx, room, Room(site, "open"), None)
    assert await at_once(store) == [[50]]
    await store.hear(world.therapist(therapist, status="suspended", changed_at=NOW))
    assert minutes_of(await tell(store)) == [0]
    await store.hear(world.therapist(therapist, changed_at=NOW + timedelta(seconds=1)))
    assert await at_once(store) == [[50]]


async def test_who_has_an_hour_left_is_told_in_turn_and_costs_nothing_more(store: Store) -> None:
    therapist = await world.add_therapist(store, [rule(1, "14:00", "17:00")], horizon=6)
    made = world.match(therapist)
    await store.hear(made)
    assert minutes_of(await tell(store)) == [50]
    assert await at_once(store) == []  # the new calendar's own row
    await store.hear(world.withdrawal(made))
    assert await store.rows("SELECT key FROM scheduling.due WHERE kind = 'capacity_risen'") == []
    assert minutes_of(await tell(store)) == [100]


async def test_whoever_counts_first_never_speaks_last(store: Store) -> None:
    therapist, made = await full(store)
    await store.hear(world.withdrawal(made))
    async with store.transaction() as slow:
        await tell_risen([Due("capacity_risen", "any", NOW, {"therapist_id": str(therapist)})], slow)
        await store.hear(world.match(therapist))  # taken again meanwhile
        turn = asyncio.create_task(tell(store))
        await asyncio.sleep(0.1)
        assert not turn.done()
    await turn
    assert minutes_of(await store.said(CapacityChanged))[-2:] == [50, 0]


async def test_the_next_look_is_due_ten_seconds_later(store: Store) -> None:
    await tell(store)
    (due,) = await store.rows("SELECT kind, key, at FROM scheduling.due")
    assert (due["kind"], due["key"], due["at"]) == ("capacity", "all", NOW + timedelta(seconds=10))


async def test_everybody_is_counted_a_few_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    therapists = [await world.add_therapist(store, [rule(2, "09:00", "10:00")]) for _ in range(5)]
    counted: list[int] = []
    read = diary.read_board

    async def watched(tx: Any, floor: Any, **how: Any) -> Board:
        counted.append(len(floor.therapists))
        return await read(tx, floor, **how)

    monkeypatch.setattr(capacity, "COUNTED_AT_ONCE", 2)
    monkeypatch.setattr(diary, "read_board", watched)
    assert {one.therapist_id for one in await tell(store)} == set(therapists)
    assert counted == [2, 2, 1]
