"""A pool for one step, and the transaction that it works in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg

from shared.contracts.base import Lane
from shared.messaging import Transaction
from shared.postgres.pool import PooledConnection, set_codecs


async def open_pool(dsn: str, schema: str, size: int) -> asyncpg.Pool:
    """Connections that see this schema first, opened before the work comes. A peer may look into every schema."""
    return await asyncpg.create_pool(
        dsn,
        min_size=size,
        max_size=size,
        init=set_codecs,
        connection_class=PooledConnection,  # no reset query after each use
        server_settings={"search_path": f"{schema},public", "jit": "off", "timezone": "UTC"},
    )


@asynccontextmanager
async def transaction(pool: asyncpg.Pool) -> AsyncIterator[Transaction]:
    """One transaction: ours without its ways out, so that our pure functions and SQL find a clock and a connection in it.
    The clock is the process's own, which saves a round trip."""
    async with pool.acquire() as connection, connection.transaction():
        tx = Transaction(connection, now=datetime.now(UTC), lane_of=_nobody_listens)
        yield tx
        await tx.flush()


def _nobody_listens(topic: str) -> Lane:
    raise RuntimeError(f"{topic}: there is no outbox here")
