-- The hour that scheduling keeps while somebody chooses: with whom, when, and until when they may take it (`kept_until`;
-- null when it is kept no more). It counts in the load of its therapist as long.
ALTER TABLE offers ADD COLUMN kept_version int NOT NULL DEFAULT 0, ADD COLUMN kept_with uuid,
    ADD COLUMN kept_start timestamptz, ADD COLUMN kept_end timestamptz, ADD COLUMN kept_until timestamptz,
    ADD CHECK ((kept_version > 0) = (kept_with IS NOT NULL AND kept_start IS NOT NULL AND kept_end IS NOT NULL));
ALTER TABLE cases DROP CONSTRAINT cases_check;
ALTER TABLE cases ADD CONSTRAINT cases_check CHECK ((holder IS NULL) OR state IN ('offered', 'matched', 'booked'));
