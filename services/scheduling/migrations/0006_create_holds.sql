-- An hour that is kept for a case until a moment, by staff. It is an appointment to be, under the id it will have; what it
-- reserves carries `held_until` too. `counted`: the week counts it. Whoever locks the therapist after that moment takes it
-- out of the week (`repository/diary.py`); its own row is ended by a due row, which says so.
CREATE TABLE holds (
    hold_id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES case_fences,
    match_id uuid NOT NULL,
    attempt int NOT NULL,
    version int NOT NULL,
    state text NOT NULL CHECK (state IN ('held', 'confirmed', 'released')),
    counted bool NOT NULL DEFAULT true,
    therapist_id uuid NOT NULL,
    organisation text NOT NULL,
    lane text NOT NULL CHECK (lane IN ('online', 'in_person')),
    modality text NOT NULL,
    site_id uuid,
    room_id uuid,
    attendee_ids uuid[] NOT NULL,
    person_ids uuid[] NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    buffer_minutes int NOT NULL,
    week date NOT NULL,
    time_zone text NOT NULL,
    held_until timestamptz NOT NULL,
    held_at timestamptz NOT NULL,
    held_by text NOT NULL,
    held_trace text,
    ended_at timestamptz,
    ended_by text,
    reason text,
    ended_trace text,
    CHECK (starts_at < ends_at),
    CHECK (held_at < held_until AND held_until <= starts_at),
    CHECK (state = 'held' OR NOT counted),
    CHECK ((state = 'held') = (ended_at IS NULL)),
    CHECK ((lane = 'in_person') = (site_id IS NOT NULL)),
    CHECK ((lane = 'in_person') = (room_id IS NOT NULL))
);
CREATE INDEX holds_by_case ON holds (case_id);
CREATE INDEX holds_counted ON holds (therapist_id, week) WHERE counted;

CREATE OR REPLACE VIEW wrong_weekly_loads AS
SELECT coalesce(w.therapist_id, a.therapist_id) AS therapist_id, coalesce(w.week, a.week) AS week,
    coalesce(w.used, 0) AS used, coalesce(a.booked, 0) AS booked
FROM weekly_load w
FULL JOIN (
    SELECT therapist_id, week, count(*) AS booked FROM (
        SELECT therapist_id, week FROM appointments WHERE state <> 'cancelled'
        UNION ALL SELECT therapist_id, week FROM holds WHERE counted
    ) AS taken GROUP BY 1, 2
) a ON a.therapist_id = w.therapist_id AND a.week = w.week
WHERE coalesce(w.used, 0) <> coalesce(a.booked, 0);

-- A hold that stands has what it would need as an appointment, and one that ended has nothing.
CREATE VIEW wrong_holds AS
SELECT h.hold_id, CASE WHEN h.state = 'released' THEN 'left_over' ELSE 'missing' END AS problem
FROM holds h
WHERE (h.state = 'released' AND EXISTS (SELECT FROM reservations r WHERE r.appointment_id = h.hold_id))
    OR (h.state = 'held' AND h.held_until > now() AND 1 + (h.room_id IS NOT NULL)::int + (
        SELECT count(DISTINCT p) FROM unnest(h.person_ids) AS p
    ) <> (
        SELECT count(*) FROM reservations r WHERE r.appointment_id = h.hold_id AND r.held_until = h.held_until
            AND r.during = CASE r.resource_id WHEN h.therapist_id
                THEN tstzrange(h.starts_at - make_interval(mins => h.buffer_minutes),
                    h.ends_at + make_interval(mins => h.buffer_minutes))
                ELSE tstzrange(h.starts_at, h.ends_at) END
    ));

CREATE OR REPLACE VIEW journey AS
SELECT a.case_id, a.booked_at AS at, 'appointment_booked' AS step,
    concat_ws(' ', a.lane, 'attempt', a.attempt::text) AS detail,
    CASE WHEN a.state = 'booked'
            AND NOT EXISTS (SELECT FROM appointment_changes c WHERE c.appointment_id = a.appointment_id)
        THEN to_char(a.starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"') END AS waits_for,
    a.booked_trace AS traceparent
FROM appointments a
UNION ALL
SELECT c.case_id, c.changed_at, c.step, concat_ws(' ', 'by', c.changed_by, c.reason),
    CASE WHEN a.state = 'booked' AND a.version = c.version
        THEN to_char(a.starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"') END,
    c.traceparent
FROM appointment_changes c JOIN appointments a USING (appointment_id)
UNION ALL
SELECT case_id, held_at, 'appointment_held', concat_ws(' ', 'by', held_by, lane),
    CASE state WHEN 'held' THEN to_char(held_until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"') END, held_trace
FROM holds
UNION ALL
SELECT case_id, ended_at, 'appointment_released', concat_ws(' ', 'by', ended_by, reason), NULL, ended_trace
FROM holds WHERE state = 'released'
UNION ALL
SELECT case_id, sought_at, 'slot_not_found', concat_ws(' ', no_slot_reason, 'attempt', attempt::text), 'matching',
    traceparent
FROM case_fences WHERE no_slot_reason IS NOT NULL
UNION ALL
SELECT case_id, care_changed_at, 'care_stopped', NULL, 'consent', NULL FROM case_fences WHERE care_stopped;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'console') THEN
        GRANT SELECT ON wrong_holds TO console;
    END IF;
END
$$;
