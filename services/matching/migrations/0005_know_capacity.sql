-- Lanes in which scheduling has nothing free of a therapist: advice, which saves asking for an hour that is not there.
ALTER TABLE loads ADD COLUMN full_lanes text[] NOT NULL DEFAULT '{}';
