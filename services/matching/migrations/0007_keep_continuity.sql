-- The last day of a therapist's credential, where it has one.
ALTER TABLE therapists ADD COLUMN valid_until date;

-- What a coordinator has to see to: an hour that is booked with somebody who is out then (`about` is its match and
-- version), a credential that runs out (`about` is when). Nothing of what a case is about.
CREATE TABLE continuity (
    task_id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('hour', 'credential')),
    therapist_id uuid NOT NULL,
    about text NOT NULL,
    case_id uuid,
    until timestamptz NOT NULL,
    due_by timestamptz NOT NULL,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    closed_by text,
    closed_by_name text,
    outcome text,
    UNIQUE (therapist_id, kind, about),
    CHECK ((kind = 'hour') = (case_id IS NOT NULL)),
    CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CHECK ((closed_at IS NULL) = (outcome IS NULL))
);
CREATE INDEX continuity_open ON continuity (due_by, task_id) WHERE closed_at IS NULL;
