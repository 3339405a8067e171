"""pgbench writes scheduling's reservations: our own statement on our own table with the rows of as many bookings as come in a batch.

One connection, one statement a transaction, prepared, durable. What is to be written lies in a table beside, a row for each batch with the arrays
that scheduling would send: nothing is locked, read, decided or counted, and no appointment is written.
"""

import asyncio
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from subprocess import PIPE
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import uuid_utils

from benchmarks import lanes, usage, world
from deploy.local import databases, ports, postgres
from services.scheduling import main as scheduling
from services.scheduling.domain.booking import Hour, reservations
from services.scheduling.domain.wall_time import moment_of
from services.scheduling.repository import diary
from shared.postgres import migrate

SEED, KNOWN = 1, 500
DATABASE, SCHEMA = "bare", "scheduling"
BATCHES = {1: 5000, 10: 2000, 50: 1000}  # bookings a batch, and how many of these
LENGTH, BUFFER, APART = 50, 5, 60  # minutes
COLUMNS = ("appointments", "resources", "beginnings", "endings", "holds")
WANTED = """
CREATE TABLE wanted (batch int PRIMARY KEY, appointments uuid[], resources uuid[], beginnings timestamptz[], endings timestamptz[],
    holds timestamptz[])
"""
TPS = re.compile(r"^tps = ([\d.]+)", re.M)


async def measure(folder: Path) -> list[dict[str, Any]]:
    """By bookings a batch: rows and bookings a second, and CPU in microseconds a booking. Raises RuntimeError when pgbench fails or
    a row is missing. The server has the stack's settings; its data lie in `folder`."""
    server = await postgres.start(folder / "postgres", ports.free_port())
    try:
        await databases.prepare(server.dsn("postgres"), DATABASE)
        dsn = server.dsn(DATABASE, SCHEMA)
        await migrate(dsn, schema=SCHEMA, folders=scheduling.migrations())
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute(WANTED)
            return [await _written(connection, server, folder, size) for size in BATCHES]
        finally:
            await connection.close()
    finally:
        await server.stop()


async def _written(
    connection: asyncpg.Connection, server: postgres.PostgresServer, folder: Path, size: int
) -> dict[str, Any]:
    rows, batches = await _lay_out(connection, size), BATCHES[size]
    script = folder / "insert.sql"
    script.write_text(f"\\set place :place + 1\n{statement()}")
    before = {"postgres": usage.of(usage.family(server.pid)), "pgbench": usage.own(children=True)}
    per_second = await _pgbench(server.dsn(DATABASE, SCHEMA), script, batches)
    after = {"postgres": usage.of(usage.family(server.pid)), "pgbench": usage.own(children=True)}
    if (there := await connection.fetchval("SELECT count(*) FROM reservations")) != rows:
        raise RuntimeError(f"{there} of {rows} reservations were written")
    return {
        "a_batch": size,
        "rows_a_booking": round(rows / (size * batches), 2),
        "bookings_per_second": round(per_second * size),
        "rows_per_second": round(per_second * rows / batches),
        "us": usage.microseconds_each(usage.between(before, after), size * batches),
    }


def statement() -> str:
    """Scheduling's own, whose arrays come from `wanted` instead of its arguments."""
    said = diary.INSERT.replace("FROM unnest(", "FROM wanted, unnest(")
    said = said.replace("ORDER BY", "WHERE batch = :place ORDER BY")
    for number, column in enumerate(COLUMNS, 1):
        said = said.replace(f"${number}::", f"{column}::")
    return said.strip() + ";\n"


async def _lay_out(connection: asyncpg.Connection, size: int) -> int:
    """Empties the calendars and puts the batches beside them; how many rows these are."""
    await connection.execute("TRUNCATE reservations, wanted")
    hours = bookings()
    batches = [_arrays(list(islice(hours, size))) for _ in range(BATCHES[size])]
    await connection.copy_records_to_table(
        "wanted", records=[(place, *arrays) for place, arrays in enumerate(batches, 1)]
    )
    await connection.execute("ANALYZE wanted")
    return sum(len(appointments) for appointments, *_ in batches)


def bookings() -> Iterator[Hour]:
    """Without end, of the fixed world's lanes: its therapists one after the other, each an hour later than the time before. Whoever
    could come in person does, into a room of that therapist."""
    people = world.askers(SEED, KNOWN)
    in_person = {one.number for one in lanes.by_lane(people)[lanes.IN_PERSON]}
    comes = cycle([one.number in in_person for one in people])
    therapists = [(uuid4(), uuid4(), uuid4()) for _ in range(world.THERAPISTS)]
    start = int(datetime.now(UTC).timestamp()) // 60
    while True:
        for therapist, site, room in therapists:
            where = (site, room) if next(comes) else (None, None)
            yield _hour(therapist, where, start)
        start += APART


def _hour(therapist: UUID, where: tuple[UUID, UUID] | tuple[None, None], start: int) -> Hour:
    case, person = (UUID(bytes=uuid_utils.uuid7().bytes) for _ in range(2))
    site, room = where
    return Hour(
        case, therapist, "bare", site, room, (person,), start, start + LENGTH, BUFFER, week=0, weekly_limit=0
    )


def _arrays(batch: Sequence[Hour]) -> list[list[Any]]:
    rows = [(hour.case_id, one) for hour in batch for one in reservations(hour)]
    return [
        [case for case, _ in rows],
        [one.resource_id for _, one in rows],
        [moment_of(one.start) for _, one in rows],
        [moment_of(one.end) for _, one in rows],
        [None for _ in rows],
    ]


async def _pgbench(dsn: str, script: Path, batches: int) -> float:
    """Transactions a second over one connection."""
    told = ["-n", "-M", "prepared", "-c", "1", "-t", str(batches), "-D", "place=0", "-f", str(script)]
    tool = str(postgres.binaries() / "pgbench")
    process = await asyncio.create_subprocess_exec(tool, *told, dsn, stdout=PIPE, stderr=PIPE)
    out, wrong = await process.communicate()
    found = TPS.search(out.decode())
    if process.returncode or found is None:
        raise RuntimeError(f"pgbench: {wrong.decode()}")
    return float(found[1])
