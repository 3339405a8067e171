"""Idempotency keys: same key and body, same answer; another body is told; nobody waits for a key in flight."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from shared.messaging import Database
from shared.postgres import migrate, open_pool
from shared.web import MIGRATIONS
from shared.web.idempotency import KeyedRequest, claim, record


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[Database]:
    await migrate(dsn, schema="intake", folders=[MIGRATIONS])
    pool = await open_pool(dsn, schema="intake", size=4, name="tests")
    yield Database(pool, source="intake", dsn=dsn, lane_of=lambda _: "routine")
    await pool.close()


def request(key: str, body: bytes = b"same") -> KeyedRequest:
    return KeyedRequest("POST /forms", key, body)


async def test_the_same_request_again_gets_the_same_answer(database: Any) -> None:
    async with opened(database.dsn("intake")) as db:
        async with db.transaction() as tx:
            assert [c.state for c in await claim(tx, [request("a"), request("b")])] == ["new", "new"]
            record(tx, [("POST /forms", "a", b"same", 202, b"answer")])
        async with db.transaction() as tx:
            claims = await claim(tx, [request("a"), request("a", b"other"), request("b")])
        assert [(c.state, c.response) for c in claims] == [
            ("replay", b"answer"),
            ("mismatch", None),
            ("new", None),
        ]


async def test_a_key_in_flight_elsewhere_is_not_waited_for_and_the_others_go_on(database: Any) -> None:
    async with opened(database.dsn("intake")) as db, db.transaction() as first:
        await claim(first, [request("a")])
        async with db.transaction() as second:
            assert [c.state for c in await claim(second, [request("a"), request("b")])] == [
                "in_flight",
                "new",
            ]


async def test_a_key_twice_in_one_batch_is_worked_on_once(database: Any) -> None:
    async with opened(database.dsn("intake")) as db, db.transaction() as tx:
        claims = await claim(tx, [request("a"), request("a"), request("a", b"other")])
        assert [c.state for c in claims] == ["new", "in_flight", "mismatch"]
