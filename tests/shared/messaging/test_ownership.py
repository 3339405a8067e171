"""Ownership by lock: shared fairly, handed over at once when an owner dies, never held by two."""

import asyncio
from collections.abc import Callable
from typing import Any

from shared.messaging.ownership import Ownership
from shared.postgres import connect
from tests.shared.messaging.notes import ROLE


def owner(database: Any, items: int = 8) -> Ownership:
    return Ownership(database.dsn(ROLE), schema=ROLE, purpose="tests", items=range(items))


async def until(holds: Callable[[], bool], seconds: float = 6) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.02)


async def test_one_member_owns_everything_and_two_share(database: Any) -> None:
    stop = asyncio.Event()
    first, second = owner(database), owner(database)
    tasks = [asyncio.create_task(first.run(stop))]
    await until(lambda: first.owns_all)
    tasks.append(asyncio.create_task(second.run(stop)))
    await until(lambda: len(first.held) == len(second.held) == 4)
    assert not first.held & second.held
    stop.set()
    await asyncio.gather(*tasks)
    assert not first.held | second.held


async def test_a_member_whose_session_is_killed_owns_nothing_at_once_and_another_takes_over(
    database: Any,
) -> None:
    stop = asyncio.Event()
    first, second = owner(database), owner(database)
    tasks = [asyncio.create_task(first.run(stop)), asyncio.create_task(second.run(stop))]
    await until(lambda: len(first.held) == len(second.held) == 4)
    admin = await connect(database.dsn(ROLE), schema=ROLE, name="tests")
    pid = first._connection.get_server_pid()  # type: ignore[union-attr]
    taken_over = asyncio.create_task(until(lambda: len(second.held) > 4, 3))
    await admin.execute("SELECT pg_terminate_backend($1)", pid)
    await until(lambda: not first.held, 1)
    await taken_over
    await admin.close()
    stop.set()
    await asyncio.gather(*tasks)


async def test_surplus_is_given_up_between_batches_only(database: Any) -> None:
    stop = asyncio.Event()
    first, second = owner(database), owner(database)
    tasks = [asyncio.create_task(first.run(stop))]
    await until(lambda: first.owns_all)
    async with first.batch() as mine:
        tasks.append(asyncio.create_task(second.run(stop)))
        await asyncio.sleep(1.5)
        assert (len(mine), len(first.held), len(second.held)) == (8, 8, 0)
    await until(lambda: len(second.held) == 4)
    stop.set()
    await asyncio.gather(*tasks)
