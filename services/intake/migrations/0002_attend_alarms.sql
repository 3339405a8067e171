-- What a duty clinician did about an alarm between taking and closing it. Notes and reasons stay here.

CREATE TABLE alarm_attempts (
    attempt_id uuid PRIMARY KEY,
    alarm_id uuid NOT NULL REFERENCES alarms,
    staff_id text NOT NULL,
    staff_name text NOT NULL,
    outcome text NOT NULL,
    note text,
    attempted_at timestamptz NOT NULL
);
CREATE INDEX alarm_attempts_by_alarm ON alarm_attempts (alarm_id, attempted_at);

CREATE TABLE alarm_level_changes (
    change_id uuid PRIMARY KEY,
    alarm_id uuid NOT NULL REFERENCES alarms,
    staff_id text NOT NULL,
    staff_name text NOT NULL,
    level_before text NOT NULL,
    level text NOT NULL,
    due_by timestamptz NOT NULL,
    reason text,
    changed_at timestamptz NOT NULL,
    CHECK (level > level_before OR (level < level_before AND reason IS NOT NULL))
);
CREATE INDEX alarm_level_changes_by_alarm ON alarm_level_changes (alarm_id, changed_at);

-- Who presses "help" again is answered again; the alarm stays one.
CREATE UNIQUE INDEX alarms_one_open_call_for_help ON alarms (case_id)
    WHERE rule = 'person_asked_for_help' AND state <> 'closed';

-- The address sealed once more, for the duty desk alone, with a key that belongs to the alarm and dies with it.
ALTER TABLE alarms ADD COLUMN contact_box text;

-- Which human read the address of a person in danger, and when. Nothing opens one without a row here.
CREATE TABLE alarm_contact_readings (
    reading_id uuid PRIMARY KEY,
    alarm_id uuid NOT NULL REFERENCES alarms,
    staff_id text NOT NULL,
    staff_name text NOT NULL,
    read_at timestamptz NOT NULL
);
CREATE INDEX alarm_contact_readings_by_alarm ON alarm_contact_readings (alarm_id, read_at);
