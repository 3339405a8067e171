-- Everybody's bookings are kept as they stand, so that whoever gets a key later finds theirs in the snapshot; places
-- in the feed are given only where somebody listens: by a topic or by a key.
ALTER TABLE organisations
    ADD COLUMN listens boolean NOT NULL DEFAULT true,
    -- Changes of its bookings, told or not.
    ADD COLUMN changes bigint NOT NULL DEFAULT 0,
    -- The last position that can no longer be read; whoever has read less far begins again at the snapshot.
    ADD COLUMN forgotten bigint NOT NULL DEFAULT 0;
UPDATE organisations SET forgotten = position, changes = position;

ALTER TABLE bookings
    DROP CONSTRAINT bookings_status_check,
    ADD CONSTRAINT bookings_status_check CHECK (status IN ('booked', 'arrived', 'fulfilled', 'no_show', 'cancelled'));

-- Each change of a booking as it is told. `position` is its place in the feed, 0 where nobody listened yet; it stood
-- until the change at `until`, so the bookings as of any position that is kept are read from here.
CREATE TABLE told (
    organisation text NOT NULL,
    booking_ref text NOT NULL,
    version int NOT NULL,
    position bigint NOT NULL,
    until bigint,
    replaced_at timestamptz,
    type text NOT NULL,
    said jsonb NOT NULL,
    live boolean NOT NULL,
    ends_at timestamptz NOT NULL,
    told_at timestamptz NOT NULL,
    PRIMARY KEY (organisation, booking_ref, version)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX told_in_order ON told (organisation, position) WHERE position > 0;
CREATE INDEX told_by_age ON told (told_at);

-- What an organisation shows when it asks. Never the key itself: the digest of its secret part.
CREATE TABLE api_keys (
    key_id text PRIMARY KEY,
    organisation text NOT NULL,
    digest bytea NOT NULL CHECK (length(digest) = 32),
    scopes text[] NOT NULL CHECK (cardinality(scopes) > 0),
    made_at timestamptz NOT NULL,
    made_by text NOT NULL,
    valid_until timestamptz,
    revoked_at timestamptz,
    used_at timestamptz
);
CREATE INDEX api_keys_by_organisation ON api_keys (organisation);

ALTER TABLE operator_requests
    DROP CONSTRAINT operator_requests_action_check,
    ADD CONSTRAINT operator_requests_action_check CHECK (action IN (
        'redrive', 'discard', 'rebuild', 'resume', 'move_offset', 'create_key', 'rotate_key', 'revoke_key'
    ));

-- Only where somebody was told.
CREATE OR REPLACE VIEW journey AS
SELECT case_id, told_at AS at, 'partner_told' AS step, organisation || ' ' || status AS detail,
    NULL::text AS waits_for, traceparent
FROM bookings WHERE position > 0;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'console') THEN
        GRANT SELECT (key_id, organisation, scopes, made_at, made_by, valid_until, revoked_at, used_at)
            ON api_keys TO console;
    END IF;
END
$$;
