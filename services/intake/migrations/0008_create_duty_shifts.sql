-- Who is on duty and when, as a coordinator entered it; a shift that is taken back stays, with who did so.
CREATE TABLE duty_shifts (
    shift_id uuid PRIMARY KEY,
    staff_id text NOT NULL,
    staff_name text NOT NULL,
    begins timestamptz NOT NULL,
    ends timestamptz NOT NULL CHECK (ends > begins),
    levels text[] NOT NULL CHECK (cardinality(levels) > 0 AND levels <@ ARRAY['R1', 'R2', 'R3']),
    entered_by text NOT NULL,
    entered_name text NOT NULL,
    entered_at timestamptz NOT NULL,
    cancelled_by text,
    cancelled_name text,
    cancelled_at timestamptz,
    CHECK ((cancelled_at IS NULL) = (cancelled_by IS NULL) AND (cancelled_at IS NULL) = (cancelled_name IS NULL))
);
CREATE INDEX duty_shifts_by_end ON duty_shifts (ends) WHERE cancelled_at IS NULL;
CREATE INDEX duty_shifts_by_begin ON duty_shifts (begins, shift_id) WHERE cancelled_at IS NULL;
