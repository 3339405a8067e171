"""Which schemas there are to look into: every one that has a given table or view."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from shared.postgres import connect

HAVING = """
SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = $1 AND c.relkind IN ('r', 'v') AND n.nspname NOT LIKE 'pg%'
    AND has_schema_privilege(n.oid, 'USAGE') ORDER BY 1
"""


class DatabaseAway(OSError):
    """The database does not take our connection."""


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """One connection with the session settings of every service. Raises DatabaseAway."""
    if not dsn:
        raise DatabaseAway("DATABASE_URL is not set, and no local stack is here (make up)")
    try:
        connection = await connect(dsn, schema="console", name="console")
    except (asyncpg.PostgresError, OSError, TimeoutError) as failure:
        raise DatabaseAway(f"the database cannot be reached: {type(failure).__name__}") from failure
    try:
        yield connection
    finally:
        await connection.close()


async def schemas_with(connection: asyncpg.Connection, relation: str) -> list[str]:
    """The schemas that have a table or view of that name, as far as this role may look."""
    return [row[0] for row in await connection.fetch(HAVING, relation)]


def over(schemas: list[str], select: str) -> str:
    """`select` once per schema; {service} stands for its name as text, {schema} for its name in SQL."""
    return "\nUNION ALL\n".join(
        select.replace("{service}", f"'{schema}'").replace("{schema}", f'"{schema}"') for schema in schemas
    )
