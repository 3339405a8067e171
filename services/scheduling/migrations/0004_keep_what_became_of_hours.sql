-- What became of a booked hour. It was taken, whoever came: only a cancellation gives back what is reserved and counted.

ALTER TABLE appointments DROP CONSTRAINT appointments_state_check;
ALTER TABLE appointments ADD CONSTRAINT appointments_state_check
    CHECK (state IN ('booked', 'arrived', 'fulfilled', 'no_show', 'cancelled'));
ALTER TABLE appointments ADD COLUMN certainty text NOT NULL DEFAULT 'firm'
    CHECK (certainty IN ('firm', 'provisional'));

-- Every change of an appointment, named as the event that says it; operators read it in the journey.
CREATE TABLE appointment_changes (
    appointment_id uuid NOT NULL,
    version int NOT NULL,
    case_id uuid NOT NULL,
    step text NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL,
    reason text,
    traceparent text,
    PRIMARY KEY (appointment_id, version)
);
CREATE INDEX appointment_changes_by_case ON appointment_changes (case_id);
INSERT INTO appointment_changes
SELECT appointment_id, version, case_id,
    CASE state WHEN 'booked' THEN 'appointment_rescheduled' ELSE 'appointment_cancelled' END,
    changed_at, changed_by, reason, changed_trace
FROM appointments WHERE version > 1;

CREATE OR REPLACE VIEW needed_reservations AS
SELECT appointment_id, therapist_id AS resource_id,
    tstzrange(starts_at - make_interval(mins => buffer_minutes), ends_at + make_interval(mins => buffer_minutes))
        AS during
FROM appointments WHERE state <> 'cancelled'
UNION ALL
SELECT appointment_id, room_id, tstzrange(starts_at, ends_at)
FROM appointments WHERE state <> 'cancelled' AND room_id IS NOT NULL
UNION ALL
SELECT DISTINCT appointment_id, person_id, tstzrange(starts_at, ends_at)
FROM appointments, unnest(person_ids) AS p(person_id) WHERE state <> 'cancelled';

CREATE OR REPLACE VIEW wrong_weekly_loads AS
SELECT coalesce(w.therapist_id, a.therapist_id) AS therapist_id, coalesce(w.week, a.week) AS week,
    coalesce(w.used, 0) AS used, coalesce(a.booked, 0) AS booked
FROM weekly_load w
FULL JOIN (
    SELECT therapist_id, week, count(*) AS booked FROM appointments WHERE state <> 'cancelled' GROUP BY 1, 2
) a ON a.therapist_id = w.therapist_id AND a.week = w.week
WHERE coalesce(w.used, 0) <> coalesce(a.booked, 0);

CREATE OR REPLACE VIEW journey AS
SELECT case_id, booked_at AS at, 'appointment_booked' AS step,
    concat_ws(' ', lane, 'attempt', attempt::text) AS detail,
    CASE WHEN state = 'booked' AND version = 1
        THEN to_char(starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"') END AS waits_for,
    booked_trace AS traceparent
FROM appointments
UNION ALL
SELECT c.case_id, c.changed_at, c.step, concat_ws(' ', 'by', c.changed_by, c.reason),
    CASE WHEN a.state = 'booked' AND a.version = c.version
        THEN to_char(a.starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"') END,
    c.traceparent
FROM appointment_changes c JOIN appointments a USING (appointment_id)
UNION ALL
SELECT case_id, sought_at, 'slot_not_found', concat_ws(' ', no_slot_reason, 'attempt', attempt::text), 'matching',
    traceparent
FROM case_fences WHERE no_slot_reason IS NOT NULL
UNION ALL
SELECT case_id, care_changed_at, 'care_stopped', NULL, 'consent', NULL FROM case_fences WHERE care_stopped;
