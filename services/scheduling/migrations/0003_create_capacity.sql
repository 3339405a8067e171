-- What others were told of a therapist's free hours. `changed_by` is the transaction that wrote a row last: the next
-- look asks for the rows whose transaction had not ended when it last looked, and misses none.

CREATE TABLE capacity (
    therapist_id uuid PRIMARY KEY,
    free jsonb NOT NULL,
    looked_at timestamptz NOT NULL
) WITH (fillfactor = 70);

ALTER TABLE weekly_load ADD COLUMN changed_by xid8 NOT NULL DEFAULT pg_current_xact_id();
ALTER TABLE calendars ADD COLUMN changed_by xid8 NOT NULL DEFAULT pg_current_xact_id();
ALTER TABLE therapists ADD COLUMN changed_by xid8 NOT NULL DEFAULT pg_current_xact_id();
ALTER TABLE sites ADD COLUMN changed_by xid8 NOT NULL DEFAULT pg_current_xact_id();
ALTER TABLE rooms ADD COLUMN changed_by xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE INDEX rules_by_site ON rules (site_id) WHERE site_id IS NOT NULL;

-- One row that comes again and again.
INSERT INTO due (kind, key, at, body) VALUES ('capacity', 'all', now(), '{"since": "0"}');
