"""The people of one run: only their rows are counted on a stack that has older data."""

from collections.abc import Sequence

import asyncpg

# `own` is of this session alone. Without codes everybody is one of ours (a fault run on a fresh database).
FILL = """
INSERT INTO own
SELECT case_id, case_code, person_id FROM intake.cases WHERE $1::text[] IS NULL OR case_code = ANY ($1)
"""


async def choose(connection: asyncpg.Connection, codes: Sequence[str] | None) -> list[str]:
    """Makes the table `own` of these case codes anew; returns the keys under which events speak of them."""
    await connection.execute("DROP TABLE IF EXISTS own")
    await connection.execute("CREATE TEMP TABLE own (case_id uuid, case_code text, person_id uuid)")
    await connection.execute(FILL, codes)
    await connection.execute("CREATE INDEX ON own (case_id); CREATE INDEX ON own (person_id); ANALYZE own")
    rows = await connection.fetch("SELECT case_id::text, person_id::text FROM own")
    references = await connection.fetch("SELECT booking_ref FROM partners.bookings JOIN own USING (case_id)")
    return [key for row in rows for key in row] + [row["booking_ref"] for row in references]
