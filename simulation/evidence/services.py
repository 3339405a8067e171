"""The services' own tables, as far as a checker needs them: cases, alarms, messages, references, outcomes."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from simulation.history.facts import Alarm, Case, Message, Parking, Task

# A case nobody has spoken of yet stands as its gate says; one that has ended is closed, whatever is said.
CASES = """
SELECT c.case_id, c.case_code, c.person_id, c.gate,
    CASE WHEN w.case_id IS NOT NULL THEN 'closed'
        ELSE coalesce(s.state, CASE c.gate WHEN 'open' THEN 'matching' ELSE 'held' END) END,
    m.reason, c.alarmed, w.case_id IS NOT NULL, coalesce(s.since, c.submitted_at),
    w.role
FROM own JOIN intake.cases c USING (case_id)
LEFT JOIN intake.standings s USING (case_id) LEFT JOIN intake.withdrawals w USING (case_id)
LEFT JOIN matching.cases m USING (case_id)
"""
MATCHED = "SELECT case_id FROM own JOIN matching.cases USING (case_id) WHERE state IN ('matched', 'booked')"
LANES = "SELECT case_id, lane FROM own JOIN matching.cases USING (case_id) WHERE lane IS NOT NULL"
WAITLISTED = "SELECT case_id FROM own JOIN matching.cases USING (case_id) WHERE state = 'waitlisted'"
OFFERED = "SELECT case_id FROM own JOIN matching.cases USING (case_id) WHERE state = 'offered'"
CHOSEN = "SELECT count(*) FROM own JOIN matching.offers USING (case_id) WHERE state = 'accepted'"
AGREED = """
SELECT count(DISTINCT case_id) FROM own JOIN intake.attendees USING (case_id) WHERE role = 'guardian' AND consent = 'given'
"""
ALARMS = "SELECT alarm_id, case_id, state, level FROM own JOIN intake.alarms USING (case_id)"
# Dead letters are settled by operators; the console follows them, and no service is told of it.
TASKS = """
SELECT task_id, t.case_id, t.kind, t.state, t.outcome, t.done_by, t.done_name, coalesce(k.outcome, n.outcome, c.outcome)
FROM own JOIN console.tasks t USING (case_id) LEFT JOIN matching.continuity k USING (task_id)
LEFT JOIN notifications.tasks n USING (task_id) LEFT JOIN notifications.calls c USING (task_id)
WHERE t.kind <> 'dead_letter'
"""
MESSAGES = """
SELECT id, case_id, m.person_id, subject_id, version, purpose, state, reason, channel, due_at, next_at, settled_at
FROM own JOIN notifications.messages m USING (case_id)
"""
CANCELLED = """
SELECT appointment_id, extract(epoch FROM min(planned_at))::float8 AS at
FROM own JOIN notifications.messages USING (case_id)
WHERE purpose = 'cancelled' AND appointment_id IS NOT NULL GROUP BY 1
"""
ENDED = "SELECT case_id, extract(epoch FROM heard_at)::float8 AS at FROM own JOIN notifications.ended_cases USING (case_id)"
HOLDERS = "SELECT case_id FROM own JOIN matching.cases USING (case_id) WHERE holder IS NOT NULL"
# What still waits has no end yet. Both services that read alarms may have parked something.
PARKINGS = """
SELECT key, extract(epoch FROM failed_at)::float8, extract(epoch FROM coalesce(settled_at, clock_timestamp()))::float8
FROM notifications.dead_letters WHERE grp = 'notifications'
"""
PAGED = "SELECT alarm_id FROM notifications.alarms"
PARKED_ALARMS = """
SELECT key FROM notifications.parked WHERE topic = 'intake.alarms'
UNION ALL SELECT key FROM matching.parked WHERE topic = 'intake.alarms'
"""
EARLIER = """
SELECT m.id FROM notifications.messages m JOIN intake.cases c USING (case_id)
WHERE m.id = ANY ($1) AND c.submitted_at < to_timestamp($2) AND c.case_id NOT IN (SELECT case_id FROM own)
"""
REFERENCES = "SELECT booking_ref, appointment_id FROM own JOIN partners.bookings USING (case_id)"


async def cases(connection: asyncpg.Connection) -> list[Case]:
    """Own cases with what their people see."""
    return [Case(*row) for row in await connection.fetch(CASES)]


async def matched(connection: asyncpg.Connection) -> frozenset[UUID]:
    """Own cases for which somebody who fits was found."""
    return frozenset(row["case_id"] for row in await connection.fetch(MATCHED))


async def lanes(connection: asyncpg.Connection) -> dict[UUID, str]:
    """In which lane somebody was last found for each own case."""
    return {row["case_id"]: row["lane"] for row in await connection.fetch(LANES)}


async def waitlisted(connection: asyncpg.Connection) -> frozenset[UUID]:
    """Own cases that matching has on its waiting list."""
    return frozenset(row["case_id"] for row in await connection.fetch(WAITLISTED))


async def offered(connection: asyncpg.Connection) -> frozenset[UUID]:
    """Own cases whose person has still to choose."""
    return frozenset(row["case_id"] for row in await connection.fetch(OFFERED))


async def chosen(connection: asyncpg.Connection) -> int:
    """How many offers to own cases were accepted."""
    return int(await connection.fetchval(CHOSEN))


async def agreed(connection: asyncpg.Connection) -> int:
    """How many own cases a guardian has agreed to."""
    return int(await connection.fetchval(AGREED))


async def alarms(connection: asyncpg.Connection) -> list[Alarm]:
    """Alarms of own cases."""
    return [Alarm(*row) for row in await connection.fetch(ALARMS)]


async def tasks(connection: asyncpg.Connection) -> list[Task]:
    """What humans had to do about own cases."""
    return [Task(*row) for row in await connection.fetch(TASKS)]


async def messages(connection: asyncpg.Connection) -> list[Message]:
    """Messages about own cases."""
    return [Message(*row) for row in await connection.fetch(MESSAGES)]


async def earlier(connection: asyncpg.Connection, arrived: Sequence[str], since: float) -> frozenset[str]:
    """Those of these messages that are about requests from before that Unix time, and not own."""
    rows = await connection.fetch(EARLIER, [UUID(one) for one in arrived], since)
    return frozenset(str(row["id"]) for row in rows)


async def references(connection: asyncpg.Connection) -> dict[str, UUID]:
    """Which appointment each booking reference of own cases stands for."""
    return {row["booking_ref"]: row["appointment_id"] for row in await connection.fetch(REFERENCES)}


async def cancelled(connection: asyncpg.Connection) -> dict[UUID, float]:
    """When notifications heard of each appointment of own cases that it was given back."""
    return {row["appointment_id"]: row["at"] for row in await connection.fetch(CANCELLED)}


async def ended(connection: asyncpg.Connection) -> dict[UUID, float]:
    """When notifications heard of each own case that it ended."""
    return {row["case_id"]: row["at"] for row in await connection.fetch(ENDED)}


async def holders(connection: asyncpg.Connection) -> frozenset[UUID]:
    """Own cases that count against a therapist."""
    return frozenset(row["case_id"] for row in await connection.fetch(HOLDERS))


async def parkings(connection: asyncpg.Connection) -> list[Parking]:
    """When events were parked at notifications, by key; everybody's."""
    return [Parking(*row) for row in await connection.fetch(PARKINGS)]


async def paged(connection: asyncpg.Connection) -> frozenset[UUID]:
    """The alarms that the pager knows; everybody's."""
    return frozenset(row["alarm_id"] for row in await connection.fetch(PAGED))


async def parked_alarms(connection: asyncpg.Connection) -> list[str]:
    """Keys of alarms that wait behind something, anywhere."""
    return [row["key"] for row in await connection.fetch(PARKED_ALARMS)]
