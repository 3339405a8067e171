"""Whether booking costs more where calendars are nearly full: the same people, when every hour is free and when one in twenty is.

What a calendar can take in a week is its hours or its therapist's limit, whichever is less. Hours that nobody has asked for are
taken straight in the database, as reservations without an appointment; the people who are measured come through the front door.
"""

import asyncio
from typing import Any

import asyncpg

from benchmarks import flat, statements
from benchmarks.statements import Statement
from deploy.local.stack import Stack

TAKEN = 0.95
# One hour in twenty of so many therapists is several for each of those who come: of 1,500, whom they all but filled, one in nine
# of them found none and was searched again and again, which is another measurement.
THERAPISTS = 4000
DAYS = 35  # as far ahead as anybody is booked, and a week
BOOKS = ("scheduling-online", "scheduling-in-person")
WAITS = "FOR NO KEY UPDATE"  # the time of these statements is that of others, who have the lock
FILL = """
WITH hours AS (
    SELECT r.therapist_id, (d.day + make_interval(mins => s.minute)) AT TIME ZONE c.time_zone AS start,
        date_trunc('week', d.day)::date AS week, make_interval(mins => c.buffer_minutes) AS buffer
    FROM scheduling.rules r JOIN scheduling.calendars c USING (therapist_id)
    CROSS JOIN LATERAL generate_series(current_date::timestamp, current_date + least(c.horizon_days, $2), interval '1 day') AS d(day)
    CROSS JOIN LATERAL generate_series(r.starts, r.ends - 50, 50 + 2 * c.buffer_minutes) AS s(minute)
    WHERE extract(isodow FROM d.day) = r.day
), in_order AS (
    SELECT *, row_number() OVER (PARTITION BY therapist_id, week ORDER BY md5(therapist_id::text || start)) AS place,
        count(*) OVER (PARTITION BY therapist_id, week) AS room
    FROM hours
), taken AS (
    INSERT INTO scheduling.reservations (appointment_id, resource_id, during)
    SELECT gen_random_uuid(), h.therapist_id, tstzrange(h.start - h.buffer, h.start + interval '50 minutes' + h.buffer)
    FROM in_order h JOIN scheduling.therapists t USING (therapist_id) LEFT JOIN scheduling.weekly_load w USING (therapist_id, week)
    WHERE h.place <= round($1::float8 * least(h.room, t.weekly_limit)) - coalesce(w.used, 0)
    ON CONFLICT DO NOTHING RETURNING resource_id, during
)
INSERT INTO scheduling.weekly_load AS w (therapist_id, week, used, most)
SELECT t.therapist_id, date_trunc('week', lower(n.during) AT TIME ZONE 'Asia/Karachi')::date, count(*), max(t.weekly_limit)
FROM taken n JOIN scheduling.therapists t ON t.therapist_id = n.resource_id GROUP BY 1, 2
ON CONFLICT (therapist_id, week) DO UPDATE SET used = least(w.most, w.used + excluded.used), changed_by = pg_current_xact_id()
"""
SHARE = "SELECT sum(used)::float8 / sum(most) FROM scheduling.weekly_load WHERE week > current_date"


async def measure(stack: Stack) -> dict[str, Any]:
    """On a stack with care in it and nobody booked: `ratio` is a person's whole cost, `booking_ratio` that of
    booking alone, in the workers of both lanes and in the database; `taken` is how full the weeks were before and after."""
    empty, before = await flat.person(stack)
    connection = await asyncpg.connect(stack.addresses["database"])
    try:
        await fill(connection)
        await connection.execute("VACUUM (ANALYZE)")
    finally:
        await connection.close()
    taken = await _taken(stack)
    await asyncio.sleep(flat.COUNTED_SECONDS)
    full, after = await flat.person(stack)
    left = await _taken(stack)
    booking = [_booking(empty, before), _booking(full, after)]
    return {
        "taken": [round(taken, 3), round(left, 3)],
        "empty": empty,
        "full": full,
        "grown": statements.grown(before, after),
        "ratio": round(full["cost_ms"] / empty["cost_ms"], 3),
        "booking_ms": [round(one, 3) for one in booking],
        "booking_ratio": round(booking[1] / booking[0], 3),
    }


async def _taken(stack: Stack) -> float:
    """The share that is taken of what the coming weeks can take."""
    connection = await asyncpg.connect(stack.addresses["database"])
    try:
        return float(await connection.fetchval(SHARE))
    finally:
        await connection.close()


async def fill(connection: asyncpg.Connection) -> None:
    """Takes hours of everybody until TAKEN of what each week can take is taken."""
    await connection.execute(FILL, TAKEN, DAYS)


def _booking(found: dict[str, Any], done: dict[str, Statement]) -> float:
    """Milliseconds a person: the CPU of both lanes' workers, and what the database did for scheduling."""
    asked = (
        one.ms for name, one in done.items() if name.startswith("scheduling ") and WAITS not in one.query
    )
    return float(sum(found["cpu_ms"][name] for name in BOOKS) + sum(asked) / 1000)
