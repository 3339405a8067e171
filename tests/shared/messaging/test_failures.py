"""Which failures pass by themselves and are tried again, and which never will and become a dead letter."""

from typing import Any

import asyncpg
import pytest

from shared.messaging.failures import is_transient

# One of each class and state that the server says while something is away, busy or being taken over.
PASSING = {
    "08006": "the connection failed",
    "40001": "serialisation",
    "40P01": "a deadlock",
    "53300": "too many connections",
    "53100": "the disk is full",
    "57014": "a statement took too long",
    "57P01": "the server is going down",
    "58030": "the disk cannot be read",
    "55P03": "a lock was not had in time",
    "25006": "the server was demoted",
}
# What the statement or its data is to blame for; the last two are of the class of a state that passes.
LASTING = ("22P02", "23502", "23505", "23P01", "42P01", "42501", "P0001", "55006", "25P02")


async def raised(database: Any, state: str) -> asyncpg.PostgresError:
    """The error as the real server says it and the driver hands it on."""
    connection = await asyncpg.connect(database.dsn("matching"))
    try:
        with pytest.raises(asyncpg.PostgresError) as failure:
            await connection.execute(f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{state}'; END $$")
    finally:
        await connection.close()
    assert failure.value.sqlstate == state
    return failure.value


@pytest.mark.parametrize("state", PASSING, ids=PASSING.values())
async def test_what_passes_by_itself_is_tried_again(database: Any, state: str) -> None:
    assert is_transient(await raised(database, state))


@pytest.mark.parametrize("state", LASTING)
async def test_what_the_event_is_to_blame_for_is_not_tried_for_ever(database: Any, state: str) -> None:
    assert not is_transient(await raised(database, state))


@pytest.mark.parametrize(
    ("failure", "passes"),
    [
        (OSError(), True),
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (asyncpg.InterfaceError("connection is closed"), True),
        (asyncpg.InternalClientError(), True),
        (ValueError(), False),
        (KeyError(), False),
        (AssertionError(), False),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, Exception) else "",
)
def test_a_failure_that_is_none_of_the_servers_passes_where_something_was_away(
    failure: Exception, passes: bool
) -> None:
    assert is_transient(failure) is passes
