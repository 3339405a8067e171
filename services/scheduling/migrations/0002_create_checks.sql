-- What must be empty whatever happens, and what operators may see of a case.

-- What every live appointment needs, from the appointment alone.
CREATE VIEW needed_reservations AS
SELECT appointment_id, therapist_id AS resource_id,
    tstzrange(starts_at - make_interval(mins => buffer_minutes), ends_at + make_interval(mins => buffer_minutes))
        AS during
FROM appointments WHERE state = 'booked'
UNION ALL
SELECT appointment_id, room_id, tstzrange(starts_at, ends_at)
FROM appointments WHERE state = 'booked' AND room_id IS NOT NULL
UNION ALL
SELECT DISTINCT appointment_id, person_id, tstzrange(starts_at, ends_at)
FROM appointments, unnest(person_ids) AS p(person_id) WHERE state = 'booked';

-- Two appointments that need the same therapist, room or person at once. Asks neither the constraint nor its
-- index: it compares the ends of the spans, and reads appointments as well as reservations.
CREATE VIEW double_bookings AS
SELECT a.resource_id, a.appointment_id AS one, b.appointment_id AS other, 'reserved' AS seen_in
FROM reservations a JOIN reservations b ON a.resource_id = b.resource_id AND a.appointment_id < b.appointment_id
WHERE lower(a.during) < upper(b.during) AND lower(b.during) < upper(a.during)
UNION ALL
SELECT a.resource_id, a.appointment_id, b.appointment_id, 'needed'
FROM needed_reservations a
JOIN needed_reservations b ON a.resource_id = b.resource_id AND a.appointment_id < b.appointment_id
WHERE lower(a.during) < upper(b.during) AND lower(b.during) < upper(a.during);

-- Appointments whose reservations are not exactly what they need, and reservations nobody needs.
CREATE VIEW incomplete_appointments AS
SELECT coalesce(n.appointment_id, r.appointment_id) AS appointment_id,
    coalesce(n.resource_id, r.resource_id) AS resource_id,
    CASE WHEN r.appointment_id IS NULL THEN 'missing'
        WHEN n.appointment_id IS NULL THEN 'left_over'
        ELSE 'wrong_span' END AS problem
FROM needed_reservations n
FULL JOIN (SELECT * FROM reservations WHERE held_until IS NULL) r
    ON n.appointment_id = r.appointment_id AND n.resource_id = r.resource_id
WHERE n.during IS DISTINCT FROM r.during;

-- Weeks whose counter is not the number of appointments that stand in it.
CREATE VIEW wrong_weekly_loads AS
SELECT coalesce(w.therapist_id, a.therapist_id) AS therapist_id, coalesce(w.week, a.week) AS week,
    coalesce(w.used, 0) AS used, coalesce(a.booked, 0) AS booked
FROM weekly_load w
FULL JOIN (
    SELECT therapist_id, week, count(*) AS booked FROM appointments WHERE state = 'booked' GROUP BY 1, 2
) a ON a.therapist_id = w.therapist_id AND a.week = w.week
WHERE coalesce(w.used, 0) <> coalesce(a.booked, 0);

CREATE VIEW journey AS
SELECT case_id, booked_at AS at, 'appointment_booked' AS step,
    concat_ws(' ', lane, 'attempt', attempt::text) AS detail,
    CASE WHEN state = 'booked' AND version = 1
        THEN to_char(starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"') END AS waits_for,
    booked_trace AS traceparent
FROM appointments
UNION ALL
SELECT case_id, changed_at, CASE state WHEN 'booked' THEN 'appointment_rescheduled' ELSE 'appointment_cancelled' END,
    concat_ws(' ', 'by', changed_by, reason),
    CASE WHEN state = 'booked' THEN to_char(starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"') END,
    changed_trace
FROM appointments WHERE version > 1
UNION ALL
SELECT case_id, sought_at, 'slot_not_found', concat_ws(' ', no_slot_reason, 'attempt', attempt::text), 'matching',
    traceparent
FROM case_fences WHERE no_slot_reason IS NOT NULL
UNION ALL
SELECT case_id, care_changed_at, 'care_stopped', NULL, 'consent', NULL FROM case_fences WHERE care_stopped;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'console') THEN
        GRANT SELECT ON journey, double_bookings, incomplete_appointments, wrong_weekly_loads TO console;
    END IF;
END
$$;
