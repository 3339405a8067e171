"""The tables of all services together: what grows is never read from one end to the other."""

from typing import Any

import asyncpg

from tests.simulation.filled import migrated

NOT_FOUND = """
SELECT k.conrelid::regclass || ': ' || k.conname FROM pg_constraint k
WHERE k.contype = 'f' AND NOT EXISTS (
    SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
    WHERE i.indrelid = k.conrelid AND i.indkey[0] = k.conkey[1]
        AND coalesce(pg_get_expr(i.indpred, i.indrelid), '') IN ('', format('(%I IS NOT NULL)', a.attname))
)
"""


async def test_what_refers_to_a_row_is_found_by_an_index(database: Any) -> None:
    """Else whoever deletes or looks up the row reads all that could refer to it."""
    await migrated(database)
    connection = await asyncpg.connect(database.admin_dsn)
    try:
        assert [row[0] for row in await connection.fetch(NOT_FOUND)] == []
    finally:
        await connection.close()
