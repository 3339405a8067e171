-- Erasing a person deletes their keys and those of their alarms, and none is made again. Intake may find them by whose
-- they are and delete them; it still cannot read one.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'intake') THEN
        GRANT DELETE ON person_keys TO intake;
        GRANT SELECT (person_id) ON person_keys TO intake;
        GRANT SELECT (person_id) ON alarm_keys TO intake;
        GRANT SELECT (state) ON stops TO intake;
        GRANT UPDATE (state, since) ON stops TO intake;
    END IF;
END
$$;
