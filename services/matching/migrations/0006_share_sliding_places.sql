-- How much of what a therapist can take may be taken at the sliding fee: the share in per cent (NULL: all of it), the open
-- cases that count against it, and of each case with whom of those who are asked it would be one of them.
ALTER TABLE therapists ADD COLUMN sliding_share int CHECK (sliding_share BETWEEN 0 AND 100);
ALTER TABLE loads ADD COLUMN sliding_cases int NOT NULL DEFAULT 0 CHECK (sliding_cases >= 0);
ALTER TABLE cases ADD COLUMN sliding_with uuid[] NOT NULL DEFAULT '{}';
