-- An alarm that somebody has is handed to a named colleague: by whom, from whom, to whom, and why. The reason stays here.
CREATE TABLE alarm_handovers (
    handover_id uuid PRIMARY KEY,
    alarm_id uuid NOT NULL REFERENCES alarms,
    staff_id text NOT NULL,
    staff_name text NOT NULL,
    from_id text NOT NULL,
    from_name text NOT NULL,
    to_id text NOT NULL CHECK (to_id <> from_id),
    to_name text NOT NULL,
    reason text NOT NULL,
    handed_over_at timestamptz NOT NULL
);
CREATE INDEX alarm_handovers_by_alarm ON alarm_handovers (alarm_id, handed_over_at);
