-- The key of an alarm's own contact: it belongs to the alarm, not to the person's messages, so that who wants no
-- messages can still be called when in danger. It dies with the alarm; `person_id` is there so that erasing finds it.
CREATE TABLE alarm_keys (
    alarm_id uuid PRIMARY KEY,
    person_id uuid NOT NULL,
    wrapped bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX alarm_keys_by_person ON alarm_keys (person_id);

-- Intake makes such a key and destroys it; it cannot read one back.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'intake') THEN
        GRANT INSERT, DELETE ON alarm_keys TO intake;
        GRANT SELECT (alarm_id) ON alarm_keys TO intake;
    END IF;
END
$$;
