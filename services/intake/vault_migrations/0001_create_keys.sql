-- The vault: one data key per person and purpose, wrapped by the deployment's key, which is never here.
-- Its backups are kept seven days, so that deleting a key makes every sealed copy unreadable.

CREATE TABLE person_keys (
    person_id uuid NOT NULL,
    purpose text NOT NULL CHECK (purpose IN ('contact', 'answers')),
    wrapped bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (person_id, purpose)
);

-- The last gate: a stopped or erased person's key is not given out, whatever is queued elsewhere.
CREATE TABLE stops (
    person_id uuid NOT NULL,
    purpose text NOT NULL,
    state text NOT NULL CHECK (state IN ('stopped', 'erased')),
    since timestamptz NOT NULL,
    PRIMARY KEY (person_id, purpose)
);

-- Who asked for whose keys, and for what. Written in the statement that reads them.
CREATE TABLE readings (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    principal text NOT NULL,
    purpose text NOT NULL,
    asked int NOT NULL,
    given int NOT NULL,
    person_ids uuid[] NOT NULL
);

-- Intake makes keys and stops people; it cannot read a key back.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'intake') THEN
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO intake', current_schema());
        GRANT INSERT ON person_keys TO intake;
        GRANT INSERT ON stops TO intake;
        GRANT SELECT (person_id, purpose) ON stops TO intake;
    END IF;
END
$$;
