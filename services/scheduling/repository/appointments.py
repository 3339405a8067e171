"""The SQL of appointments and of the weeks they count in."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

from services.scheduling.domain.appointments import Appointment, Change
from services.scheduling.domain.attendance import Step, Taken
from services.scheduling.domain.wall_time import minute_of, moment_of
from services.scheduling.domain.weeks import monday_of, week_from
from shared.messaging import Transaction

BOOK = """
INSERT INTO appointments (appointment_id, case_id, match_id, attempt, version, state, lane, modality, therapist_id,
    organisation, site_id, room_id, attendee_ids, person_ids, starts_at, ends_at, buffer_minutes, week, time_zone,
    booked_trace, booked_at, changed_at, changed_by, certainty, certainty_reason)
SELECT id, case_id, match_id, attempt, 1, 'booked', lane, modality, therapist_id, organisation, site_id, room_id,
    string_to_array(attendees, ' ')::uuid[], string_to_array(people, ' ')::uuid[], starts_at, ends_at,
    buffer_minutes, week, time_zone, trace, $19, $19, 'system',
    CASE WHEN why IS NULL THEN 'firm' ELSE 'provisional' END, why
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::text[], $6::text[], $7::uuid[], $8::text[],
    $9::uuid[], $10::uuid[], $11::text[], $12::text[], $13::timestamptz[], $14::timestamptz[], $15::int[],
    $16::date[], $17::text[], $18::text[], $20::text[]) AS a(id, case_id, match_id, attempt, lane, modality, therapist_id,
    organisation, site_id, room_id, attendees, people, starts_at, ends_at, buffer_minutes, week, time_zone, trace, why)
"""

# Whoever stays in a week was counted there before, whatever has become of the limit since.
COUNT = """
INSERT INTO weekly_load (therapist_id, week, used, most)
SELECT therapist_id, week, used, greatest(most, CASE WHEN $5 THEN used ELSE 0 END)
FROM unnest($1::uuid[], $2::date[], $3::int[], $4::int[]) AS w(therapist_id, week, used, most) ORDER BY 1, 2
ON CONFLICT (therapist_id, week) DO UPDATE
SET used = weekly_load.used + excluded.used,
    most = greatest(excluded.most, weekly_load.used + CASE WHEN $5 THEN excluded.used ELSE 0 END),
    changed_by = excluded.changed_by
"""

UNCOUNT = """
WITH gone AS (SELECT * FROM unnest($1::uuid[], $2::date[], $3::int[]) AS g(therapist_id, week, count)),
locked AS (
    SELECT w.therapist_id, w.week, g.count, coalesce(t.weekly_limit, 0) AS weekly_limit
    FROM weekly_load w JOIN gone g ON g.therapist_id = w.therapist_id AND g.week = w.week
    LEFT JOIN therapists t ON t.therapist_id = w.therapist_id
    ORDER BY w.therapist_id, w.week FOR NO KEY UPDATE OF w
)
UPDATE weekly_load w SET used = w.used - l.count, most = greatest(l.weekly_limit, w.used - l.count),
    changed_by = pg_current_xact_id()
FROM locked l WHERE l.therapist_id = w.therapist_id AND l.week = w.week
"""

# Whatever changes an appointment writes the change down too, for the journey.
KEEP = """
INSERT INTO appointment_changes (appointment_id, version, case_id, step, changed_at, changed_by, reason, traceparent)
SELECT appointment_id, version, case_id, '{step}', changed_at, changed_by, {reason}, changed_trace FROM changed
"""

CANCEL = """
WITH changed AS (
    UPDATE appointments SET state = 'cancelled', version = version + 1, changed_at = $2, changed_by = r.by,
        reason = r.reason, changed_trace = r.trace
    FROM unnest($1::uuid[], $3::text[], $4::text[], $5::text[]) AS r(id, by, reason, trace) WHERE appointment_id = r.id
    RETURNING appointments.*
)
""" + KEEP.format(step="appointment_cancelled", reason="reason")

MOVE = """
WITH changed AS (
    UPDATE appointments SET version = $2, room_id = $3, starts_at = $4, ends_at = $5, buffer_minutes = $6, week = $7,
        changed_at = $8, changed_by = $9, changed_trace = $10, certainty = $11, lane = $12, modality = $13,
        site_id = $14, time_zone = $15, certainty_reason = $16
    WHERE appointment_id = $1 RETURNING *
)
""" + KEEP.format(step="appointment_rescheduled", reason="NULL")

TAKE_STEP = """
WITH changed AS (
    UPDATE appointments SET version = $2, state = $3, certainty = $4, changed_at = $5, changed_by = $6,
        changed_trace = $7, certainty_reason = $10
    WHERE appointment_id = $1 RETURNING *
)
INSERT INTO appointment_changes (appointment_id, version, case_id, step, changed_at, changed_by, traceparent,
    certainty_before, certainty_reason_before)
SELECT appointment_id, version, case_id, $8, changed_at, changed_by, changed_trace, $9, $11 FROM changed
"""
STEPS: Mapping[Step | Literal["undo"], str] = {
    "confirm": "appointment_confirmed",
    "arrive": "appointment_arrived",
    "fulfil": "appointment_fulfilled",
    "no_show": "appointment_no_show",
    "undo": "appointment_corrected",
}

TAKEN = """
SELECT changed_at, CASE certainty_before WHEN 'provisional'
    THEN coalesce(certainty_reason_before, 'to_be_confirmed') END AS why
FROM appointment_changes WHERE appointment_id = $1 AND version = $2
"""

# Before reasons were written down there was but one.
COLUMNS = """
SELECT appointment_id, case_id, match_id, attempt, version, state, lane, modality, therapist_id, organisation,
    site_id, room_id, attendee_ids, person_ids, starts_at, ends_at, buffer_minutes, week, time_zone,
    CASE certainty WHEN 'provisional' THEN coalesce(certainty_reason, 'to_be_confirmed') END AS certainty_reason
FROM appointments
"""


async def live(tx: Transaction, case_ids: Collection[UUID]) -> list[Appointment]:
    """The appointments of these cases that stand. Their cases must be locked."""
    if not case_ids:
        return []
    rows = await tx.connection.fetch(
        f"{COLUMNS} WHERE case_id = ANY ($1) AND state = 'booked' ORDER BY appointment_id", list(case_ids)
    )
    return [from_row(row) for row in rows]


async def find(tx: Transaction, appointment_id: UUID) -> Appointment | None:
    """One appointment, whatever became of it."""
    row = await tx.connection.fetchrow(f"{COLUMNS} WHERE appointment_id = $1", appointment_id)
    return from_row(row) if row else None


async def last(tx: Transaction, case_id: UUID) -> Appointment | None:
    """The last appointment that the case had, whatever became of it."""
    row = await tx.connection.fetchrow(
        f"{COLUMNS} WHERE case_id = $1 ORDER BY attempt DESC, version DESC LIMIT 1", case_id
    )
    return from_row(row) if row else None


async def book(tx: Transaction, booked: Sequence[Appointment], limits: Sequence[int]) -> None:
    """Writes new appointments and counts them; `limits` are their therapists' weekly limits, in parallel."""
    if not booked:
        return
    await tx.connection.execute(
        BOOK,
        [a.id for a in booked],
        [a.case_id for a in booked],
        [a.match_id for a in booked],
        [a.attempt for a in booked],
        [a.lane for a in booked],
        [a.modality for a in booked],
        [a.therapist_id for a in booked],
        [a.organisation for a in booked],
        [a.site_id for a in booked],
        [a.room_id for a in booked],
        [" ".join(map(str, a.attendee_ids)) for a in booked],
        [" ".join(map(str, a.person_ids)) for a in booked],
        [moment_of(a.start) for a in booked],
        [moment_of(a.end) for a in booked],
        [a.buffer for a in booked],
        [monday_of(a.week) for a in booked],
        [a.time_zone for a in booked],
        [tx.traceparent_of(str(a.case_id)) for a in booked],
        tx.now,
        [a.why for a in booked],
    )
    await count(
        tx, {(a.therapist_id, a.week): limit for a, limit in zip(booked, limits, strict=True)}, booked
    )


async def release(tx: Transaction, given_back: Sequence[Appointment]) -> None:
    """Deletes what these reserve and takes them out of their weeks; their own rows stay as they are."""
    if not given_back:
        return
    await tx.connection.execute(
        "DELETE FROM reservations WHERE appointment_id = ANY ($1)", [a.id for a in given_back]
    )
    weeks = Counter((a.therapist_id, a.week) for a in given_back)
    await tx.connection.execute(
        UNCOUNT, [who for who, _ in weeks], [monday_of(week) for _, week in weeks], list(weeks.values())
    )


async def cancel(tx: Transaction, gone: Sequence[tuple[Appointment, Change]]) -> None:
    """Releases these and says so in their rows."""
    if not gone:
        return
    await release(tx, [appointment for appointment, _ in gone])
    await tx.connection.execute(
        CANCEL,
        [a.id for a, _ in gone],
        tx.now,
        [change.by for _, change in gone],
        [change.reason for _, change in gone],
        [tx.traceparent_of(str(a.case_id)) for a, _ in gone],
    )


async def move(tx: Transaction, appointment: Appointment, change: Change) -> None:
    """Writes where the appointment is now and how it is held."""
    await tx.connection.execute(
        MOVE,
        appointment.id,
        appointment.version,
        appointment.room_id,
        moment_of(appointment.start),
        moment_of(appointment.end),
        appointment.buffer,
        monday_of(appointment.week),
        tx.now,
        change.by,
        tx.traceparent_of(str(appointment.case_id)),
        appointment.certainty,
        appointment.lane,
        appointment.modality,
        appointment.site_id,
        appointment.time_zone,
        appointment.why,
    )


async def last_step(tx: Transaction, appointment: Appointment) -> Taken | None:
    """The step that led to how it stands; none where nothing has changed since it was booked."""
    row = await tx.connection.fetchrow(TAKEN, appointment.id, appointment.version)
    return Taken(row["changed_at"], row["why"]) if row else None


async def take_step(
    tx: Transaction,
    before: Appointment,
    after: Appointment,
    step: Step | Literal["undo"],
    change: Change,
) -> None:
    """Writes what became of it. What it reserves and where it counts stays as it is."""
    await tx.connection.execute(
        TAKE_STEP,
        after.id,
        after.version,
        after.state,
        after.certainty,
        tx.now,
        change.by,
        tx.traceparent_of(str(after.case_id)),
        STEPS[step],
        before.certainty,
        after.why,
        before.why,
    )


async def count(
    tx: Transaction,
    limits: dict[tuple[UUID, int], int],
    booked: Sequence[Appointment],
    *,
    stay: bool = False,
) -> None:
    """Counts these in their weeks, whose limits are given; whoever stays in a week was counted there before."""
    weeks = Counter((a.therapist_id, a.week) for a in booked)
    await tx.connection.execute(
        COUNT,
        [who for who, _ in weeks],
        [monday_of(week) for _, week in weeks],
        list(weeks.values()),
        [limits[one] for one in weeks],
        stay,
    )


def from_row(row: Any) -> Appointment:
    """An appointment from its columns."""
    return Appointment(
        row["appointment_id"],
        row["case_id"],
        row["match_id"],
        row["attempt"],
        row["version"],
        row["state"],
        row["lane"],
        row["modality"],
        row["therapist_id"],
        row["organisation"],
        row["site_id"],
        row["room_id"],
        tuple(row["attendee_ids"]),
        tuple(row["person_ids"]),
        minute_of(row["starts_at"]),
        minute_of(row["ends_at"]),
        row["buffer_minutes"],
        week_from(row["week"]),
        row["time_zone"],
        row["certainty_reason"],
    )
