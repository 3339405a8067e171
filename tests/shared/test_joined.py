"""What is written at the end of a transaction goes in one statement, and does what it would have done alone."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from shared.messaging import Database
from shared.postgres import open_pool, write_joined

TABLES = """
CREATE TABLE forms (id int PRIMARY KEY, word text NOT NULL);
CREATE TABLE lines (form int NOT NULL REFERENCES forms, line text NOT NULL);
"""
FORM = "\nINSERT INTO forms (id, word) SELECT * FROM unnest($1::int[], $2::text[])\n"
LINE = "INSERT INTO lines (form, line) VALUES ($1, $2)"
TOLD = """
WITH said AS MATERIALIZED (SELECT * FROM unnest($1::int[], $2::text[]) AS s(form, line)),
said_twice AS (INSERT INTO lines SELECT form, line || line FROM said)
INSERT INTO lines SELECT form, line FROM said
"""


@pytest_asyncio.fixture(loop_scope="session")
async def db(database: Any) -> AsyncIterator[Database]:
    pool = await open_pool(database.dsn("intake"), schema="intake", size=2, name="tests")
    await pool.execute(TABLES)
    yield Database(pool, source="intake", lane_of=lambda _: "routine")
    await pool.close()


async def written(db: Database) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    forms = await db.pool.fetch("SELECT * FROM forms ORDER BY id")
    lines = await db.pool.fetch("SELECT * FROM lines ORDER BY form, line")
    return [tuple(row) for row in forms], [tuple(row) for row in lines]


async def test_all_are_written_in_one_statement_and_the_last_may_have_parts_of_its_own(db: Database) -> None:
    asked: list[str] = []
    async with db.transaction() as tx:
        tx.write_at_end(LINE, 2, "c")  # refers to what comes later: references are checked at the end of all
        tx.write_at_end(FORM, [1, 2], ["one", "two"])
        tx.write_at_end(TOLD, [1], ["a"])
        with tx.connection.query_logger(lambda record: asked.append(record.query)):
            await tx.flush()
    assert len(asked) == 1
    assert await written(db) == ([(1, "one"), (2, "two")], [(1, "a"), (1, "aa"), (2, "c")])


async def test_what_can_not_be_written_undoes_the_whole_transaction(db: Database) -> None:
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with db.transaction() as tx:
            await tx.connection.execute(FORM, [7], ["seven"])
            tx.write_at_end(FORM, [8], ["eight"])
            tx.write_at_end(LINE, 9, "of nothing")
    assert await written(db) == ([], [])


async def test_what_was_left_for_the_end_in_an_undone_part_is_not_written(db: Database) -> None:
    async with db.transaction() as tx:
        tx.write_at_end(FORM, [1], ["kept"])
        with pytest.raises(ZeroDivisionError):
            async with tx.savepoint():
                tx.write_at_end(FORM, [2], ["undone"])
                raise ZeroDivisionError
    assert (await written(db))[0] == [(1, "kept")]


async def test_statements_that_stand_alone_forget_nothing_that_is_left_for_the_end(db: Database) -> None:
    async with db.statements() as tx:
        tx.write_at_end(FORM, [3], ["three"])
    assert (await written(db))[0] == [(3, "three")]


async def test_where_nothing_is_to_be_written_nobody_is_asked(db: Database) -> None:
    async with db.pool.acquire() as connection:
        asked: list[str] = []
        with connection.query_logger(lambda record: asked.append(record.query)):
            await write_joined(connection, [])
    assert asked == []
