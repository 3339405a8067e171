"""Whether a person costs more where there are more therapists to choose from: the same people, in a small country and a large one.

Of many therapists the first come through the front door; the others are copies of them in the database, with other ids and
all else the same, made while no service runs: a hundred thousand would be an hour at the door. Each service reads all of them
when it starts, as it does after any release, and the first people who ask bear that and are not measured.
"""

from typing import Any

import asyncpg

from benchmarks import flat, steady, world
from deploy.local.stack import Stack

SMALL = 1000
AT_THE_DOOR = 2000
FIRST_ASKERS = 300
# Every table with a row of a therapist's, and the column that says whose it is.
OF_A_THERAPIST = {
    "matching.therapists": "therapist_id",
    "matching.loads": "therapist_id",
    "scheduling.resources": "id",
    "scheduling.therapists": "therapist_id",
    "scheduling.calendars": "therapist_id",
    "scheduling.rules": "therapist_id",
    "scheduling.capacity": "therapist_id",
}
COLUMNS = """
SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attname <> $2
"""
COPY = """
INSERT INTO {table} ({id}, {others})
SELECT md5(r.{id}::text || k)::uuid, {others} FROM {table} r, generate_series(1, $1::int) AS k
WHERE r.{id} IN (SELECT therapist_id FROM care)
"""
PATTERN = "CREATE TEMP TABLE care ON COMMIT DROP AS SELECT therapist_id FROM scheduling.therapists"


async def measure(many: int) -> dict[str, Any]:
    """On a stack of its own for each number of therapists; `ratio` is what a person costs among `many` against among SMALL."""
    found: dict[str, Any] = {}
    for number in (SMALL, many):
        times = -(-number // AT_THE_DOOR)
        async with steady.country(-(-number // times)) as stack:
            if times > 1:
                await _grow(stack, times)
            row, _ = await flat.person(stack)
        found[str(number)] = row
    return found | {
        "therapists": many,
        "ratio": round(found[str(many)]["cost_ms"] / found[str(SMALL)]["cost_ms"], 3),
    }


async def _grow(stack: Stack, times: int) -> None:
    async with flat.away(stack):
        connection = await asyncpg.connect(stack.addresses["database"])
        try:
            await multiply_care(connection, times)
            await connection.execute("VACUUM (ANALYZE)")
        finally:
            await connection.close()
    await steady.fill(stack, world.askers(steady.SEED, FIRST_ASKERS), FIRST_ASKERS)
    await steady.settle(stack)


async def multiply_care(connection: asyncpg.Connection, times: int) -> None:
    """So many times as many therapists as there are, with calendars, loads and what was told of their hours."""
    async with connection.transaction():
        await connection.execute(PATTERN)
        for table, whose in OF_A_THERAPIST.items():
            others = await connection.fetchval(COLUMNS, table, whose)
            await connection.execute(COPY.format(table=table, id=whose, others=others), times - 1)
