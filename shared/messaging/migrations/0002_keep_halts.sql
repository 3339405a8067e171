-- Partitions that a group owns and does not go on with, and why: one row until somebody goes on with it.
CREATE TABLE halts (
    grp text NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    why text NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (grp, topic, partition)
);

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'console') THEN
        GRANT SELECT ON halts TO console;
    END IF;
END
$$;
