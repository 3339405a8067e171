-- Somebody is reached elsewhere from now on: the key of their contact goes, and every copy of the old address with it, and
-- a new one is made. Intake may find it by its purpose and delete it; it still cannot read one.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'intake') THEN
        GRANT SELECT (purpose) ON person_keys TO intake;
    END IF;
END
$$;
