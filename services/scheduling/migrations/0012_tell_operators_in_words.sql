-- What an operator reads of an hour: who changed it and why, told apart.
CREATE OR REPLACE VIEW journey AS
SELECT a.case_id, a.booked_at AS at, 'appointment_booked' AS step,
    a.lane || ', attempt ' || a.attempt AS detail,
    CASE WHEN a.state = 'booked'
            AND NOT EXISTS (SELECT FROM appointment_changes c WHERE c.appointment_id = a.appointment_id)
        THEN to_char(a.starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"') END AS waits_for,
    a.booked_trace AS traceparent
FROM appointments a
UNION ALL
SELECT c.case_id, c.changed_at, c.step, concat_ws(': ', 'by ' || c.changed_by, c.reason),
    CASE WHEN a.state = 'booked' AND a.version = c.version
        THEN to_char(a.starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"') END,
    c.traceparent
FROM appointment_changes c JOIN appointments a USING (appointment_id)
UNION ALL
SELECT case_id, held_at, 'appointment_held', concat_ws(', ', 'by ' || held_by, lane),
    CASE state WHEN 'held' THEN to_char(held_until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"') END, held_trace
FROM holds
UNION ALL
SELECT case_id, ended_at, 'appointment_released', concat_ws(': ', 'by ' || ended_by, reason), NULL, ended_trace
FROM holds WHERE state = 'released'
UNION ALL
SELECT case_id, sought_at, 'slot_not_found', no_slot_reason || ', attempt ' || attempt, 'matching',
    traceparent
FROM case_fences WHERE no_slot_reason IS NOT NULL
UNION ALL
SELECT case_id, care_changed_at, 'care_stopped', NULL, 'consent', NULL FROM case_fences WHERE care_stopped;
