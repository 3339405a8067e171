-- Whom there is to match with. `changed_by` is the transaction that wrote a row last: a process that keeps all of
-- this in memory asks for the rows whose transaction had not ended when it last looked, and misses none.

CREATE TABLE therapists (
    therapist_id uuid PRIMARY KEY,
    version int NOT NULL,
    organisation text NOT NULL,
    gender text NOT NULL,
    languages text[] NOT NULL,
    modalities text[] NOT NULL,
    problem_areas text[] NOT NULL,
    age_bands text[] NOT NULL,
    steps int[] NOT NULL,
    fee int NOT NULL CHECK (fee >= 0),
    weekly_limit int NOT NULL CHECK (weekly_limit >= 0),
    sites uuid[] NOT NULL,
    register_status text NOT NULL,
    status text NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by xid8 NOT NULL
);
CREATE INDEX therapists_by_change ON therapists (changed_by);

-- What scheduling says of its sites.
CREATE TABLE sites (
    site_id uuid PRIMARY KEY,
    latitude double precision NOT NULL,
    longitude double precision NOT NULL,
    status text NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by xid8 NOT NULL
);
CREATE INDEX sites_by_change ON sites (changed_by);

-- Cases that count against each therapist's limit. Advice: scheduling enforces the limit where an hour is taken.
CREATE TABLE loads (
    therapist_id uuid PRIMARY KEY,
    open_cases int NOT NULL CHECK (open_cases >= 0),
    changed_by xid8 NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
CREATE INDEX loads_by_change ON loads (changed_by);
