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
INSERT INTO holds (hold_id, version, state, held_until, take_by, held_at, held_by, held_trace, {OF_AN_APPOINTMENT})
SELECT id, version, 'held', held_until, take_by, $5, $6, trace, case_id, match_id, attempt, lane, modality, therapist_id,
    organisation, site_id, room_id, string_to_array(attendees, ' ')::uuid[], string_to_array(people, ' ')::uuid[],
    starts_at, ends_at, buffer_minutes, week, time_zone, why
FROM unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::timestamptz[], $7::text[], $8::uuid[], $9::uuid[], $10::int[],
    $11::text[], $12::text[], $13::uuid[], $14::text[], $15::uuid[], $16::uuid[], $17::text[], $18::text[],
    $19::timestamptz[], $20::timestamptz[], $21::int[], $22::date[], $23::text[], $24::text[])
    AS h(id, version, held_until, take_by, trace, case_id, match_id, attempt, lane, modality, therapist_id, organisation,
    site_id, room_id, attendees, people, starts_at, ends_at, buffer_minutes, week, time_zone, why)
"""

FIND = f"""
SELECT hold_id AS appointment_id, version, 'booked' AS state, state AS hold_state, held_until, reason, take_by,
    counted AND (SELECT count(*) FROM reservations r WHERE r.appointment_id = hold_id)
        = 1 + (room_id IS NOT NULL)::int + (SELECT count(DISTINCT p) FROM unnest(person_ids) AS p) AS whole,
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

KEPT_FOR_OFFERS = """
SELECT therapist_id, count(*)::int FROM holds
WHERE therapist_id = ANY ($1) AND state = 'held' AND take_by IS NOT NULL AND held_until > $2 GROUP BY therapist_id
"""

UNCOUNT = "UPDATE holds SET counted = false WHERE hold_id = ANY ($1) AND counted RETURNING hold_id"

RELEASE = """
UPDATE holds SET state = 'released', version = version + 1, ended_at = $2, ended_by = r.by, reason = r.reason,
    ended_trace = r.trace
FROM unnest($1::uuid[], $3::text[], $4::text[], $5::text[]) AS r(id, by, reason, trace) WHERE hold_id = r.id
"""

# Still counted in their weeks, now as appointments.
CONFIRM = f"""
WITH confirmed AS (
    UPDATE holds SET state = 'confirmed', version = version + 1, counted = false, ended_at = $2, ended_by = $3,
        ended_trace = c.trace, certainty_reason = c.why
    FROM unnest($1::uuid[], $4::text[], $5::text[]) AS c(id, trace, why) WHERE hold_id = c.id RETURNING holds.*
), kept AS (UPDATE reservations SET held_until = NULL WHERE appointment_id = ANY ($1))
INSERT INTO appointments (appointment_id, version, state, booked_trace, booked_at, changed_at, changed_by,
    certainty, {OF_AN_APPOINTMENT})
SELECT hold_id, version, 'booked', ended_trace, $2, $2, $3,
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


async def offered_with(tx: Transaction, therapist_ids: Collection[UUID]) -> list[Hold]:
    """What of these is kept for offers, over or not."""
    if not therapist_ids:
        return []
    rows = await tx.connection.fetch(
        f"{FIND} WHERE therapist_id = ANY ($1) AND state = 'held' AND take_by IS NOT NULL ORDER BY hold_id",
        list(therapist_ids),
    )
    return [_hold(row) for row in rows]


async def last_version(tx: Transaction, case_id: UUID, attempt: int) -> int:
    """The highest version of what this attempt had."""
    return int(await tx.connection.fetchval(LAST_VERSION, case_id, attempt) or 0)


async def kept_for_offers(tx: Transaction, therapist_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many hours of each of these are kept while somebody chooses. They must be locked."""
    rows = await tx.connection.fetch(KEPT_FOR_OFFERS, list(therapist_ids), tx.now)
    return {row["therapist_id"]: row["count"] for row in rows}


async def save(tx: Transaction, made: Sequence[Hold], by: By, limits: Sequence[int]) -> None:
    """Writes new holds and counts them in their weeks, whose limits are `limits`, in parallel; what they reserve is there
    already."""
    if not made:
        return
    kept = [hold.appointment for hold in made]
    await tx.connection.execute(
        SAVE,
        [one.id for one in kept],
        [one.version for one in kept],
        [hold.held_until for hold in made],
        [hold.take_by for hold in made],
        tx.now,
        by,
        [tx.traceparent_of(str(one.case_id)) for one in kept],
        [one.case_id for one in kept],
        [one.match_id for one in kept],
        [one.attempt for one in kept],
        [one.lane for one in kept],
        [one.modality for one in kept],
        [one.therapist_id for one in kept],
        [one.organisation for one in kept],
        [one.site_id for one in kept],
        [one.room_id for one in kept],
        [" ".join(map(str, one.attendee_ids)) for one in kept],
        [" ".join(map(str, one.person_ids)) for one in kept],
        [moment_of(one.start) for one in kept],
        [moment_of(one.end) for one in kept],
        [one.buffer for one in kept],
        [monday_of(one.week) for one in kept],
        [one.time_zone for one in kept],
        [one.why for one in kept],
    )
    weeks = {(one.therapist_id, one.week): limit for one, limit in zip(kept, limits, strict=True)}
    await appointments.count(tx, weeks, kept)


async def release(tx: Transaction, gone: Sequence[tuple[Hold, Change]]) -> None:
    """Gives back what these reserve and where they count. All they reserve must be locked. Whoever had a lock after their
    time may have given part of it back already."""
    ids = [hold.id for hold, _ in gone]
    counted = {row["hold_id"] for row in await tx.connection.fetch(UNCOUNT, ids)}
    await appointments.release(tx, [hold.appointment for hold, _ in gone if hold.id in counted])
    await tx.connection.execute("DELETE FROM reservations WHERE appointment_id = ANY ($1)", ids)
    await tx.connection.execute(
        RELEASE,
        ids,
        tx.now,
        [change.by for _, change in gone],
        [change.reason for _, change in gone],
        [tx.traceparent_of(str(hold.appointment.case_id)) for hold, _ in gone],
    )


async def confirm(tx: Transaction, kept: Sequence[Hold], by: By) -> None:
    """Makes them appointments, as certain as they are given. All they reserve must be locked, and they must be whole."""
    if kept:
        traces = [tx.traceparent_of(str(hold.case_id)) for hold in kept]
        whys = [hold.appointment.why for hold in kept]
        await tx.connection.execute(CONFIRM, [hold.id for hold in kept], tx.now, by, traces, whys)


def _hold(row: Any) -> Hold:
    state, reason = row["hold_state"], row["reason"]
    return Hold(appointments.from_row(row), row["held_until"], state, reason, row["take_by"], row["whole"])
