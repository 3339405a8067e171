"""Connections with one set of session settings, so that no wait is unbounded and no death unnoticed."""

from typing import Any

import asyncpg
import orjson

# A lock waited for longer than 2 s, a statement longer than 5 s or a transaction left open for 5 s is a
# fault that is retried, never a hang; the keepalive notices a peer that vanished without a FIN.
# deadlock_timeout = 100ms belongs to them too, but only the server's own configuration may set it.
SESSION_SETTINGS: dict[str, str] = {
    "lock_timeout": "2s",
    "statement_timeout": "5s",
    "idle_in_transaction_session_timeout": "5s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "2",
    "timezone": "UTC",
    # Disks of today: at the default of 4 the planner reads a whole table for a batch of 500 look-ups.
    "random_page_cost": "1.1",
    "jit": "off",
}

# asyncpg asks the server what an array type is when a connection meets it first: five milliseconds of planning, once
# or more per connection. One question for all of them, when the connection is opened, keeps that out of the work.
ARRAYS = """
SELECT $1::bool[], $2::smallint[], $3::int[], $4::bigint[], $5::float8[], $6::text[], $7::bytea[], $8::uuid[],
    $9::date[], $10::timestamptz[], $11::json[], $12::jsonb[]
"""


class PooledConnection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg ships no types for its base
    """A connection that needs no reset query: pooled connections never hold session state."""

    def get_reset_query(self) -> str:
        return ""


class DatabaseAway(ConnectionError):
    """It refuses connections: still starting, full, or our database or role is not made yet. Try again."""


async def open_pool(dsn: str, *, schema: str, size: int, name: str) -> asyncpg.Pool:
    """A pool of up to `size` connections that see `schema` first; `name` is shown in pg_stat_activity.

    Raises OSError (DatabaseAway among them) as long as the database cannot be reached.
    """
    try:
        return await asyncpg.create_pool(
            dsn,
            min_size=size,  # opened before the work comes, not by the first who has to wait
            max_size=size,
            init=_make_ready,
            connection_class=PooledConnection,
            server_settings=_settings(schema, name),
            command_timeout=10,
            max_inactive_connection_lifetime=0,
        )
    except asyncpg.PostgresError as refusal:
        raise DatabaseAway(type(refusal).__name__) from None


async def connect(dsn: str, *, schema: str, name: str, **settings: str) -> asyncpg.Connection:
    """One connection outside the pool, for locks and listening; `settings` overrule the session's."""
    connection = await asyncpg.connect(
        dsn, server_settings=_settings(schema, name) | settings, command_timeout=10
    )
    await set_codecs(connection)
    return connection


async def set_codecs(connection: asyncpg.Connection) -> None:
    """jsonb is read and written as Python objects."""
    await connection.set_type_codec("jsonb", encoder=_dump, decoder=orjson.loads, schema="pg_catalog")


async def _make_ready(connection: asyncpg.Connection) -> None:
    await set_codecs(connection)
    await connection.prepare(ARRAYS)


def _dump(value: Any) -> str:
    return orjson.dumps(value).decode()


def _settings(schema: str, name: str) -> dict[str, str]:
    return SESSION_SETTINGS | {"search_path": f"{schema},public", "application_name": name[:63]}
