-- The kernel's tables. They live in every service's own schema; nobody else writes them.

-- One row per topic and key gives the gap-free sequence, and its lock makes outbox ids rise in commit
-- order per key, whoever emits.
CREATE TABLE streams (
    topic text NOT NULL,
    key text NOT NULL,
    next bigint NOT NULL,
    PRIMARY KEY (topic, key)
) WITH (fillfactor = 70);

CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) PRIMARY KEY,
    lane text NOT NULL,
    shard smallint NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    sequence bigint NOT NULL,
    event_id uuid NOT NULL,
    type text NOT NULL,
    traceparent text,
    at timestamptz NOT NULL,
    payload bytea NOT NULL CHECK (octet_length(payload) <= 900000)
) WITH (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0
);
CREATE INDEX outbox_by_lane ON outbox (lane, id);

-- What a consumer has applied: the next offset per partition, compared and set in the effect's transaction.
CREATE TABLE offsets (
    grp text NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    next bigint NOT NULL,
    moved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (grp, topic, partition)
) WITH (fillfactor = 50);

-- Event ids are UUIDv7, so the index grows at its right edge and old rows are found by id.
CREATE TABLE inbox (
    event_id uuid NOT NULL,
    grp text NOT NULL,
    PRIMARY KEY (event_id, grp)
);

-- The last sequence applied (or parked) per key.
CREATE TABLE positions (
    grp text NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    last bigint NOT NULL,
    PRIMARY KEY (grp, topic, key)
) WITH (fillfactor = 70);

CREATE TABLE dead_letters (
    id uuid PRIMARY KEY,
    grp text NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    record_offset bigint NOT NULL,
    key text NOT NULL,
    event_id uuid,
    type text NOT NULL,
    sequence bigint,
    at timestamptz,
    traceparent text,
    payload bytea,
    error text NOT NULL,
    stack text NOT NULL,
    failed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'redriven', 'discarded')),
    settled_at timestamptz,
    settled_by text,
    reason text
);
CREATE INDEX dead_letters_open ON dead_letters (grp, failed_at) WHERE state = 'open';

-- A key whose later events wait: after a dead letter, or while an earlier event is missing.
CREATE TABLE blocks (
    grp text NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('dead', 'gap')),
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (grp, topic, key)
);
CREATE TABLE parked (
    grp text NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    sequence bigint NOT NULL,
    event_id uuid NOT NULL,
    type text NOT NULL,
    at timestamptz NOT NULL,
    traceparent text,
    payload bytea NOT NULL,
    PRIMARY KEY (grp, topic, key, sequence)
);

-- Events that refer to a fact that is not known yet.
CREATE TABLE waiting (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fact text NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    type text NOT NULL,
    traceparent text,
    payload bytea NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX waiting_by_fact ON waiting (fact, id);

CREATE TABLE due (
    kind text NOT NULL,
    key text NOT NULL,
    at timestamptz NOT NULL,
    body jsonb NOT NULL DEFAULT '{}',
    traceparent text,
    attempts int NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, key)
) WITH (autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX due_by_time ON due (at);

-- Event types nobody here knows: counted, never silently dropped.
CREATE TABLE skipped (
    grp text NOT NULL,
    topic text NOT NULL,
    type text NOT NULL,
    events bigint NOT NULL,
    last_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (grp, topic, type)
);

-- What an operator asks of the running process; kept as the record of who did what and why.
CREATE TABLE operator_requests (
    id uuid PRIMARY KEY,
    grp text NOT NULL,
    action text NOT NULL CHECK (action IN ('redrive', 'discard', 'rebuild', 'resume', 'move_offset')),
    target jsonb NOT NULL,
    reason text,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    state text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'done', 'failed')),
    result text,
    done_at timestamptz
);
CREATE INDEX operator_requests_asked ON operator_requests (requested_at) WHERE state = 'asked';

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'console') THEN
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO console', current_schema());
        GRANT SELECT (topic, key, next) ON streams TO console;
        GRANT SELECT (id, lane, shard, topic, key, sequence, event_id, type, traceparent, at) ON outbox TO console;
        GRANT SELECT ON offsets, blocks, skipped, operator_requests TO console;
        GRANT INSERT ON operator_requests TO console;
        GRANT SELECT (grp, topic, key, last) ON positions TO console;
        GRANT SELECT (id, grp, topic, partition, record_offset, key, event_id, type, sequence, at, traceparent,
            error, stack, failed_at, state, settled_at, settled_by, reason) ON dead_letters TO console;
        GRANT SELECT (grp, topic, key, sequence, event_id, type, at, traceparent) ON parked TO console;
        GRANT SELECT (id, fact, topic, key, type, traceparent, since) ON waiting TO console;
        GRANT SELECT (kind, key, at, traceparent, attempts) ON due TO console;
    END IF;
END
$$;
