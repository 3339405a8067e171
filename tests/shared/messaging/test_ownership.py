"""Ownership by lock: shared fairly, handed over at once when an owner dies, never held by two."""

import asyncio
from typing import Any

from shared.messaging.ownership import MARK, Ownership, lock_class
from shared.postgres import connect
from tests.shared.messaging.notes import ROLE
from tests.waiting import running, until

MODES = """
SELECT array_agg(mode) FROM pg_locks WHERE locktype = 'advisory' AND classid = $1::int4::oid AND objid = $2::int4::oid
"""


def owner(database: Any, items: int = 8) -> Ownership:
    return Ownership(database.dsn(ROLE), schema=ROLE, purpose="tests", items=range(items))


async def cut(database: Any, member: Ownership) -> None:
    pid = member._connection.get_server_pid()  # type: ignore[union-attr]
    admin = await connect(database.dsn(ROLE), schema=ROLE, name="tests")
    try:
        await admin.execute("SELECT pg_terminate_backend($1)", pid)
    finally:
        await admin.close()


async def test_one_member_owns_everything_and_two_share(database: Any) -> None:
    stop = asyncio.Event()
    first, second = owner(database), owner(database)
    async with running(stop, first.run(stop)) as tasks:
        await until(lambda: first.owns_all, "the first owns all")
        tasks.append(asyncio.create_task(second.run(stop)))
        await until(lambda: len(first.held) == len(second.held) == 4, "both own four")
        assert not first.held & second.held
    assert not first.held | second.held


async def test_whoever_asks_whether_it_is_alone_keeps_nobody_from_joining(database: Any) -> None:
    """It asks for the mark by itself, which is free for nobody then, and gives it back in the same breath."""
    stop, alone = asyncio.Event(), owner(database)
    async with running(stop, alone.run(stop)):
        await until(lambda: alone.owns_all, "it owns all")
        admin = await connect(database.dsn(ROLE), schema=ROLE, name="tests")
        try:
            await alone._round()
            assert await admin.fetchval(MODES, lock_class(ROLE, "tests"), MARK) == ["ShareLock"]
        finally:
            await admin.close()


async def test_a_member_whose_session_is_killed_owns_nothing_at_once_and_another_takes_over(
    database: Any,
) -> None:
    stop = asyncio.Event()
    first, second = owner(database), owner(database)
    async with running(stop, first.run(stop), second.run(stop)):
        await until(lambda: len(first.held) == len(second.held) == 4, "both own four")
        async with first.batch():  # it is busy, and comes back only afterwards
            await cut(database, first)
            await until(lambda: not first.held, "the first owns nothing")
            await until(lambda: second.owns_all, "the second takes over")
        await until(lambda: len(first.held) == len(second.held) == 4, "both own four again")
        assert not first.held & second.held


async def test_a_member_whose_session_is_killed_comes_back_by_itself(
    database: Any,
) -> None:
    stop = asyncio.Event()
    alone = owner(database)
    async with running(stop, alone.run(stop)):
        for _ in range(5):
            await until(lambda: alone.owns_all, "it owns all")
            before = alone._connection
            await cut(database, alone)
            await until(lambda: alone.owns_all and alone._connection is not before, "it owns all again")  # noqa: B023


async def test_surplus_is_given_up_between_batches_only(database: Any) -> None:
    stop = asyncio.Event()
    first, second = owner(database), owner(database)
    async with running(stop, first.run(stop)) as tasks:
        await until(lambda: first.owns_all, "the first owns all")
        async with first.batch() as mine:
            tasks.append(asyncio.create_task(second.run(stop)))
            await asyncio.sleep(1.5)  # nothing must happen: three rounds in which it would
            assert (len(mine), len(first.held), len(second.held)) == (8, 8, 0)
        await until(lambda: len(second.held) == 4, "the second owns four")
