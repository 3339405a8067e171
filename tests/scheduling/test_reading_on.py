"""What is read only when it comes to that decides as if everything had been read at once, and most of it never is."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import event, given

from services.scheduling.domain.availability import Board, Therapist
from services.scheduling.domain.booking import Hour, Wish, asked_for, decide
from services.scheduling.domain.wall_time import minute_of, moment_of
from services.scheduling.handlers.matches import book_matches
from services.scheduling.handlers.wishes import wish_of
from services.scheduling.repository import places, roster
from services.scheduling.repository.diary import READ
from shared.contracts.matching import MatchMade
from shared.contracts.scheduling import AppointmentBooked, SlotNotFound
from tests.scheduling import strategies, world
from tests.scheduling.reference import rule
from tests.scheduling.store import NOW, Store

# Held, so that no appointment has to belong to them.
RESERVE = (
    "INSERT INTO scheduling.reservations VALUES (gen_random_uuid(), $1, tstzrange($2, $3), '2027-01-01')"
)
RESERVED = "SELECT resource_id, lower(during) AS start, upper(during) AS over FROM scheduling.reservations"
MORNINGS = [rule(day, "10:00", "14:00") for day in (1, 3)]


@given(strategies.boards_with(strategies.batches))
def test_a_board_that_is_read_on_decides_like_one_that_was_read_at_once(given_: tuple[Board, Any]) -> None:
    board, wishes = given_
    later = asked_for(wishes).later
    left = later.union(*(board.rooms.get(site, ()) for site in later))
    outcomes, read = read_on(board, wishes, left)
    event(f"{len(left - read)} never read of {len(left)}")
    assert outcomes == decide(wishes, board.again())


def read_on(board: Board, wishes: Sequence[Wish], left: frozenset[UUID]) -> tuple[list[Any], set[UUID]]:
    """What is decided at last, and which of those that were left were read for it."""
    read: set[UUID] = set()
    while True:
        unread = left - read
        seen = replace(
            board,
            therapists={who: nobody(one) if who in unread else one for who, one in board.therapists.items()},
            busy={one: spans for one, spans in board.busy.items() if one not in unread},
            used={key: count for key, count in board.used.items() if key[0] not in unread},
            unread=unread,
        )
        outcomes = decide(wishes, seen)
        if not seen.wanting:
            return outcomes, read
        assert seen.wanting <= unread
        read |= seen.wanting


def nobody(therapist: Therapist) -> Therapist:
    return replace(therapist, calendar=None)


async def test_who_finds_an_hour_with_whom_they_name_first_has_no_other_diary_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *others = [await world.add_therapist(store) for _ in range(5)]
    read = diaries_read(monkeypatch)
    monkeypatch.setattr(roster, "_known", {})
    await store.handle(book_matches, [world.match(first, *others) for _ in range(3)])
    assert not read & set(others)
    assert roster._known.keys() == {first}


async def test_of_several_only_those_are_read_who_come_before_the_hour_that_is_found(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = [await world.add_therapist(store, MORNINGS) for _ in range(2)]
    free = [await world.add_therapist(store) for _ in range(3)]
    for one in full:
        await store.admin.execute(RESERVE, one, NOW, NOW + timedelta(days=28))
    read = diaries_read(monkeypatch)
    await store.handle(book_matches, [world.match(*full, *free)])
    (booked,) = await store.said(AppointmentBooked)
    assert booked.therapist_id == free[0]
    assert read & {*full, *free} == {*full, free[0]}


def diaries_read(monkeypatch: pytest.MonkeyPatch) -> set[UUID]:
    """Whose reservations are read from now on."""
    read: set[UUID] = set()
    fetch = asyncpg.Connection.fetch

    async def watched(connection: asyncpg.Connection, query: str, *arguments: Any, **options: Any) -> Any:
        if query.endswith(READ):
            read.update(arguments[0])
        return await fetch(connection, query, *arguments, **options)

    monkeypatch.setattr(asyncpg.Connection, "fetch", watched)
    return read


@pytest.mark.parametrize("seed", range(6))
async def test_random_diaries_are_decided_as_if_all_of_them_had_been_read_plainly(
    store: Store, seed: int
) -> None:
    matches = await a_crowded_country(store, random.Random(seed))
    expected = decide([wish_of(one) for one in matches], await plain(store, matches))
    await store.handle(book_matches, matches)
    said = {one.case_id: one for one in await store.said(AppointmentBooked, SlotNotFound)}
    found = [said[one.case_id] for one in matches]
    assert [shown(one) for one in found] == [
        (one.therapist_id, moment_of(one.start)) if isinstance(one, Hour) else one for one in expected
    ]
    assert {type(one) for one in found} == {AppointmentBooked, SlotNotFound}


def shown(said: AppointmentBooked | SlotNotFound) -> Any:
    return (said.therapist_id, said.start) if isinstance(said, AppointmentBooked) else said.reason


async def a_crowded_country(store: Store, chance: random.Random) -> list[MatchMade]:
    """Two mornings a week each, most of them taken, at one site with one room; and a batch that wants more than is left."""
    site = await world.add_site(store)
    at = chance.choice([None, site])
    rules = [rule(day, "10:00", "14:00", at) for day in (1, 3)]
    everybody = [await world.add_therapist(store, rules, weekly_limit=chance.randint(1, 3)) for _ in range(6)]
    (room,) = await store.rows("SELECT room_id FROM scheduling.rooms")
    for one in [*everybody, room["room_id"]]:
        for day in (0, 2, 7, 9):
            start = NOW.replace(hour=4) + timedelta(days=day, minutes=15 * chance.randint(0, 8))
            await store.admin.execute(
                RESERVE, one, start, start + timedelta(minutes=15 * chance.randint(1, 14))
            )
    return [
        world.match(
            *((one, at) if at else one for one in chance.sample(everybody, chance.randint(1, 5))),
            latest=NOW + timedelta(days=13),
            priority=chance.randint(0, 2),
        )
        for _ in range(24)
    ]


async def plain(store: Store, matches: Sequence[MatchMade]) -> Board:
    """Everything that is reserved, row by row."""
    busy: dict[UUID, tuple[list[int], list[int]]] = {}
    for row in await store.rows(RESERVED):
        starts, ends = busy.setdefault(row["resource_id"], ([], []))
        starts.append(minute_of(row["start"]))
        ends.append(minute_of(row["over"]))
    asked = asked_for([wish_of(one) for one in matches])
    async with store.transaction() as tx:
        therapists = await roster.read(tx, asked.therapists)
        return Board(minute_of(NOW), therapists, await places.open_rooms(tx, asked.sites), busy, {})
