-- What a partner knows of an appointment. The reference is random and lives only here: this table is no
-- projection that may be truncated and built again, for a partner would see every booking twice.
CREATE TABLE bookings (
    appointment_id uuid PRIMARY KEY,
    booking_ref text NOT NULL UNIQUE,
    case_id uuid NOT NULL,
    organisation text NOT NULL,
    version int NOT NULL,
    status text NOT NULL CHECK (status IN ('booked', 'cancelled')),
    position bigint NOT NULL,
    told_at timestamptz NOT NULL,
    traceparent text
) WITH (fillfactor = 80);
CREATE INDEX bookings_by_case ON bookings (case_id);

-- Positions rise by one per organisation without gaps: its row is locked until the batch is committed.
CREATE TABLE organisations (
    organisation text PRIMARY KEY,
    position bigint NOT NULL
) WITH (fillfactor = 50);

CREATE VIEW journey AS
SELECT case_id, told_at AS at, 'partner_told' AS step, organisation || ' ' || status AS detail,
    NULL::text AS waits_for, traceparent
FROM bookings;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'console') THEN
        GRANT SELECT ON journey TO console;
    END IF;
END
$$;
