-- A booked hour that has lost its day and waits for a human to move it, to confirm it all the same or to give it back.
ALTER TABLE cases ADD COLUMN displaced boolean NOT NULL DEFAULT false;
ALTER TABLE continuity
    DROP CONSTRAINT continuity_kind_check,
    DROP CONSTRAINT continuity_check,
    ADD CONSTRAINT continuity_kind_check CHECK (kind IN ('hour', 'displaced', 'credential')),
    ADD CONSTRAINT continuity_whose_hour CHECK ((kind <> 'credential') = (case_id IS NOT NULL));
