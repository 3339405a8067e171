-- The whole request: an earlier case it continues, the step table it was weighed by, and how often its wishes changed.
-- From now on `needs` is what is wished for now; what was wished before is in the events. Rows made before have none of
-- the new members in it, which read as not said.
ALTER TABLE cases
    ADD COLUMN continues uuid,
    ADD COLUMN step_table_version text NOT NULL DEFAULT 'not recorded',
    ADD COLUMN request_version int NOT NULL DEFAULT 1,
    ADD COLUMN updated_at timestamptz;
ALTER TABLE contacts ADD COLUMN time_zone text NOT NULL DEFAULT 'Asia/Karachi';
