"""The SQL of holds. What they reserve and where they count is kept as for appointments, which they may become."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from services.scheduling.domain.appointments import By, Change
from services.scheduling.domain.holds import Hold
from services.scheduling.domain.wall_time import moment_of
from services.scheduling.domain.weeks import monday_of
from services.scheduling.repository import appointments
from shared.messaging import Transaction

OF_AN_APPOINTMENT = """case_id, match_id, attempt, lane, modality, therapist_id, organisation, site_id, room_id,
    attendee_ids, person_ids, starts_at, ends_at, buffer_minutes, week, time_zone, certainty_reason"""

SAVE = f"""
INSERT INTO holds (hold_id, version, state, held_until, held_at, held_by, held_trace, {OF_AN_APPOINTMENT})
VALUES ($1, $2, 'held', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
"""

FIND = f"""
SELECT hold_id AS appointment_id, version, 'booked' AS state, state AS hold_state, held_until, reason,
    {OF_AN_APPOINTMENT}
FROM holds
"""

# The highest version of the case's last attempt, whichever row has it: what comes next goes on from there.
LAST_VERSION = """
SELECT max(version) FROM (
    SELECT version FROM appointments WHERE case_id = $1 AND attempt = $2
    UNION ALL SELECT version FROM holds WHERE case_id = $1 AND attempt = $2
) AS known
"""

UNCOUNT = "UPDATE holds SET counted = false WHERE hold_id = ANY ($1) AND counted RETURNING hold_id"

RELEASE = """
UPDATE holds SET state = 'released', version = version + 1, ended_at = $2, ended_by = $3, reason = r.reason,
    ended_trace = r.trace
FROM unnest($1::uuid[], $4::text[], $5::text[]) AS r(id, reason, trace) WHERE hold_id = r.id
"""

# Still counted in its week, now as an appointment.
CONFIRM = f"""
WITH confirmed AS (
    UPDATE holds SET state = 'confirmed', version = version + 1, counted = false, ended_at = $2, ended_by = $3,
        ended_trace = $4
    WHERE hold_id = $1 RETURNING *
), kept AS (UPDATE reservations SET held_until = NULL WHERE appointment_id = $1)
INSERT INTO appointments (appointment_id, version, state, booked_trace, booked_at, changed_at, changed_by,
    certainty, {OF_AN_APPOINTMENT})
SELECT hold_id, version, 'booked', $4, $2, $2, $3,
    CASE WHEN certainty_reason IS NULL THEN 'firm' ELSE 'provisional' END, {OF_AN_APPOINTMENT} FROM confirmed
"""


async def find(tx: Transaction, hold_ids: Collection[UUID]) -> list[Hold]:
    """Those of these holds that exist, whatever became of them."""
    rows = await tx.connection.fetch(f"{FIND} WHERE hold_id = ANY ($1) ORDER BY hold_id", list(hold_ids))
    return [_hold(row) for row in rows]


async def live(tx: Transaction, case_ids: Collection[UUID]) -> list[Hold]:
    """The holds of these cases that nobody has ended, over or not. Their cases must be locked."""
    if not case_ids:
        return []
    rows = await tx.connection.fetch(
        f"{FIND} WHERE case_id = ANY ($1) AND state = 'held' ORDER BY hold_id", list(case_ids)
    )
    return [_hold(row) for row in rows]


async def last_version(tx: Transaction, case_id: UUID, attempt: int) -> int:
    """The highest version of what this attempt had."""
    return int(await tx.connection.fetchval(LAST_VERSION, case_id, attempt) or 0)


async def save(tx: Transaction, hold: Hold, by: By, weekly_limit: int) -> None:
    """Writes a new hold and counts it in its week; what it reserves is there already."""
    one = hold.appointment
    await tx.connection.execute(
        SAVE,
        one.id,
        one.version,
        hold.held_until,
        tx.now,
        by,
        tx.traceparent_of(str(one.case_id)),
        one.case_id,
        one.match_id,
        one.attempt,
        one.lane,
        one.modality,
        one.therapist_id,
        one.organisation,
        one.site_id,
        one.room_id,
        list(one.attendee_ids),
        list(one.person_ids),
        moment_of(one.start),
        moment_of(one.end),
        one.buffer,
        monday_of(one.week),
        one.time_zone,
        one.why,
    )
    await appointments.count(tx, {(one.therapist_id, one.week): weekly_limit}, [one])


async def release(tx: Transaction, gone: Sequence[tuple[Hold, Change]]) -> None:
    """Gives back what these reserve and where they count; one change is by one kind of people. All they reserve must be
    locked. Whoever had a lock after their time may have given part of it back already."""
    ids = [hold.id for hold, _ in gone]
    counted = {row["hold_id"] for row in await tx.connection.fetch(UNCOUNT, ids)}
    await appointments.release(tx, [hold.appointment for hold, _ in gone if hold.id in counted])
    await tx.connection.execute("DELETE FROM reservations WHERE appointment_id = ANY ($1)", ids)
    await tx.connection.execute(
        RELEASE,
        ids,
        tx.now,
        gone[0][1].by,
        [change.reason for _, change in gone],
        [tx.traceparent_of(str(hold.appointment.case_id)) for hold, _ in gone],
    )


async def confirm(tx: Transaction, hold: Hold, by: By) -> None:
    """Makes it an appointment. All it reserves must be locked."""
    trace = tx.traceparent_of(str(hold.appointment.case_id))
    await tx.connection.execute(CONFIRM, hold.id, tx.now, by, trace)


def _hold(row: Any) -> Hold:
    return Hold(appointments.from_row(row), row["held_until"], row["hold_state"], row["reason"])
